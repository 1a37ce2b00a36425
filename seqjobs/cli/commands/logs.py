"""seqjobs logs: the log of a trial."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import run_argument, runs_dir_option, trial_option
from seqjobs.errors.printable import printable_block
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run, find_trial
from seqjobs.store.runs_folder import RunsFolder


@click.command("logs")
@run_argument
@runs_dir_option
@trial_option
def command(run: str | None, runs_dir: Path, trial: str | None) -> None:
    """Print the log of a trial.

    A log has the epochs of the trial and what the trial printed. The log of a failed trial ends with the cause
    and the traceback.
    """
    found = Run.open(find_run(RunsFolder(runs_dir), run))
    log = found.trial_log(find_trial(found, trial).id)
    click.echo(printable_block(log.removesuffix("\n")))
