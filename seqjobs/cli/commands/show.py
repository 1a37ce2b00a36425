"""seqjobs show: show one run."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import output_option, run_argument, runs_dir_option
from seqjobs.cli.views.json_output import print_json, run_json
from seqjobs.cli.views.runs import print_facts
from seqjobs.cli.views.tables import results_console
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run
from seqjobs.store.runs_folder import RunsFolder


@click.command("show")
@run_argument
@runs_dir_option
@output_option("table", "json")
def command(run: str | None, runs_dir: Path, output: str) -> None:
    """Show the status of a run and the paths of its files."""
    found = Run.open(find_run(RunsFolder(runs_dir), run))
    if output == "json":
        print_json(run_json(found))
    else:
        print_facts(results_console(), found)
