"""seqjobs submit: train, and show the leaderboard."""

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
from seqjobs.cli.streams import let_go
from seqjobs.cli.views.plans import show_plan
from seqjobs.cli.views.runs import leave_as, print_outcome
from seqjobs.execution.stopping import StopWish
from seqjobs.planning import make_plan
from seqjobs.results.run import Run
from seqjobs.run import submit_jobs
from seqjobs.spec.load import load_jobs


@click.command("submit")
@specs_argument
@click.option("--run", "run_id", metavar="ID", help="The run's id; an existing one goes on where it stands.")
@runs_dir_option
@workers_option
@address_option
@overrides_option
@output_option("table", "json")
@click.option("--dry-run", is_flag=True, help="Only show the plan, as `seqjobs plan` does.")
def command(
    *,
    specs: tuple[Path, ...],
    run_id: str | None,
    runs_dir: Path,
    workers: int | None,
    address: str | None,
    overrides: tuple[str, ...],
    output: str,
    dry_run: bool,
) -> None:
    """Train the jobs of one or more specs, or go on with a run.

    Exit codes: 0 all trials finished, 1 some failed, 2 a mistake in a spec or the command, 3 all failed, 4 cluster or
    storage lost, 6 out of time, 130 Ctrl-C, 143 SIGTERM; after 4, 6, 130 and 143 the same command goes on.
    """
    jobs = load_jobs(specs, overrides)  # so that the mistakes of all files are told, before anything heavy is imported
    if dry_run:
        show_plan(make_plan(jobs), output)
        return
    tracker, stop = Tracker(), StopWish()
    progress = progress_for(sys.stderr, tracker)

    def advice() -> str:
        if tracker.run_id is None:
            return "stopped before the run began; nothing was trained."
        again = ["seqjobs", *_arguments_without_run(sys.argv[1:]), "--run", tracker.run_id]
        return f"stopped. Run the same command again to go on: {shlex.join(again)}"

    with interruption(advice, stop):
        try:
            run = submit_jobs(
                jobs,
                run=run_id,
                runs_dir=runs_dir,
                workers=workers,
                address=address,
                progress=progress,
                stop=stop,
                notify=lambda text: click.echo(f"{text}.", err=True),
            )
        finally:
            progress.close()
        _print(run, output)
    leave_as(run, advice)


def _print(run: Run, output: str) -> None:
    """Who closed stdout does not want it, and the run ended as it did."""
    try:
        print_outcome(run, output)
        sys.stdout.flush()
    except OSError:
        let_go(sys.stdout)


def _arguments_without_run(arguments: list[str]) -> list[str]:
    """What was typed, but for `--run ID`, which may have been given or not."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if not skip and argument != "--run" and not argument.startswith("--run="):
            kept.append(argument)
        skip = argument == "--run" and not skip
    return kept
