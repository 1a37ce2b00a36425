"""seqjobs submit: train, and print the leaderboard."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from seqjobs.cli.interruption import interruption
from seqjobs.cli.options import (
    address_option,
    output_option,
    overrides_option,
    runs_dir_option,
    specs_argument,
    workers_option,
)
from seqjobs.cli.progress import progress_for
from seqjobs.cli.progress.tracker import Tracker
from seqjobs.cli.streams import detach
from seqjobs.cli.views.plans import show_plan
from seqjobs.cli.views.runs import leave_as, print_outcome
from seqjobs.execution.stopping import StopRequest
from seqjobs.jobspec.load import MissingDataError, load_jobs
from seqjobs.preview import preview
from seqjobs.results.run import Run
from seqjobs.run import RetryFailed, WhichRun, finished_without_data, submit_jobs

NEW, RETRY = "seqjobs.submit.new", "seqjobs.submit.retry"


def _which_run(ctx: click.Context, _parameter: click.Parameter, run_id: str | None) -> str | WhichRun | RetryFailed:
    is_new, retries = ctx.meta[NEW], ctx.meta[RETRY]
    if is_new and run_id is not None:
        raise click.UsageError("--new starts a run with a new ID: leave out --new or --run.")
    if is_new and retries:
        raise click.UsageError("--retry-failed is about an existing run: leave out --new or --retry-failed.")
    if retries:
        return RetryFailed(run_id)
    return run_id or (WhichRun.NEW if is_new else WhichRun.UNFINISHED)


@click.command("submit")
@specs_argument
@click.option(
    "--run",
    metavar="ID",
    callback=_which_run,
    help="Run ID; an existing run is resumed. Default: the newest unfinished run of the same specs, or a new one.",
)
@click.option(
    "--new",
    is_flag=True,
    is_eager=True,  # `_which_run` asks for it
    expose_value=False,
    callback=lambda ctx, _, is_new: ctx.meta.update({NEW: is_new}),
    help="Start a new run even if there is an unfinished one of the same specs and data.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    is_eager=True,  # as above
    expose_value=False,
    callback=lambda ctx, _, retries: ctx.meta.update({RETRY: retries}),
    help="Train the failed trials of an existing run again, whatever their cause. Finished trials stay as they are.",
)
@runs_dir_option
@workers_option
@address_option
@overrides_option
@output_option("table", "json")
@click.option("--dry-run", is_flag=True, help="Show the plan, as `seqjobs plan` does, and train nothing.")
def command(
    *,
    specs: tuple[Path, ...],
    run: str | WhichRun | RetryFailed,
    runs_dir: Path,
    workers: int | None,
    address: str | None,
    overrides: tuple[str, ...],
    output: str,
    dry_run: bool,
) -> None:
    """Train the jobs of one or more specs, or resume a run.

    The first Ctrl-C saves the trials in training and ends; a second Ctrl-C ends at once. The same command resumes the
    run.

    Exit codes: 0 all trials finished, 1 some failed, 2 a mistake in a spec or the command, 3 all failed, 4 cluster or
    storage lost, 6 out of time, 130 Ctrl-C, 143 SIGTERM. After 4, 6, 130 and 143 the same command resumes. After 1 and
    3, --retry-failed trains the failed trials again; it ends with 5 if no run has any.
    """
    try:
        jobs = load_jobs(specs, overrides)  # reports the mistakes of all files before anything heavy is imported
    except MissingDataError as error:
        if dry_run:
            raise
        finished = finished_without_data(error, run=run, runs_dir=runs_dir, notify=_notify)
        _print(finished, output)
        leave_as(finished, lambda: "")
        return
    if dry_run:
        show_plan(preview(jobs), output)
        return
    tracker, stop = Tracker(), StopRequest()
    progress = progress_for(sys.stderr, tracker)

    def advice() -> str:
        if tracker.run_id is None:
            return "stopped before the run began; nothing was trained."
        resume = ["seqjobs", *_arguments_to_resume(sys.argv[1:]), "--run", tracker.run_id]
        return f"stopped. Resume with: {shlex.join(resume)}"

    with interruption(advice, stop, progress.notice):
        try:
            result = submit_jobs(
                jobs,
                run=run,
                runs_dir=runs_dir,
                workers=workers,
                address=address,
                progress=progress,
                stop=stop,
                notify=_notify,
            )
        finally:
            progress.close()
        _print(result, output)
    leave_as(result, advice)


def _notify(text: str) -> None:
    click.echo(f"{text}.", err=True)


def _print(run: Run, output: str) -> None:
    """Print how the run ended. A closed stdout changes nothing about that."""
    try:
        print_outcome(run, output)
        sys.stdout.flush()
    except OSError:
        detach(sys.stdout)


def _arguments_to_resume(arguments: list[str]) -> list[str]:
    """Return what was typed without `--run ID` and what is done once: `--new`, `--retry-failed`."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if not skip and argument not in ("--run", "--new", "--retry-failed") and not argument.startswith("--run="):
            kept.append(argument)
        skip = argument == "--run" and not skip
    return kept
