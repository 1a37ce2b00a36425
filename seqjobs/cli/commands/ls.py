"""seqjobs ls: list the runs of a folder."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import output_option, runs_dir_option
from seqjobs.cli.views.json_output import print_json, run_json
from seqjobs.cli.views.runs import RunLine, runs_table
from seqjobs.cli.views.tables import print_table, results_console
from seqjobs.results.run_folders import list_runs
from seqjobs.store.runs_folder import RunsFolder


@click.command("ls")
@runs_dir_option
@output_option("table", "json")
def command(runs_dir: Path, output: str) -> None:
    """List the runs, newest first."""
    lines = [RunLine.read(store) for store in list_runs(RunsFolder(runs_dir))]
    if output == "json":
        runs = [run_json(line.run) for line in lines if line.run is not None]
        unreadable = [{"run": line.name, "code": line.problem} for line in lines if line.run is None]
        print_json({"runs": runs, "unreadable": unreadable})
    elif lines:
        print_table(results_console(), runs_table(lines))
    else:
        click.echo(f"there are no runs in {runs_dir}.", err=True)
