"""seqjobs rm: remove runs."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import runs_argument, runs_dir_option
from seqjobs.errors.printable import printable
from seqjobs.errors.sizes import shown_bytes
from seqjobs.results.run_folders import find_run
from seqjobs.results.run_removal import remove_runs
from seqjobs.store.runs_folder import RunsFolder


@click.command("rm")
@runs_argument
@runs_dir_option
def command(runs: tuple[str, ...], runs_dir: Path) -> None:
    """Remove runs with all their files.

    Asks no question, and removes unfinished runs too. Removes nothing if a run is in use, or if a folder has
    links or files that seqjobs did not write.
    """
    if not all(runs):
        # As of a shell's variable that is not set: each ID begins with it.
        raise click.BadParameter("the name of a run is empty.", param_hint="'RUN...'")
    folder = RunsFolder(runs_dir)
    for removed in remove_runs([find_run(folder, run) for run in runs]):
        click.echo(f"removed {printable(removed.name)} ({shown_bytes(removed.num_bytes)})")
