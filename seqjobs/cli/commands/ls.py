"""seqjobs ls: the runs of a folder."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import output_option, runs_dir_option
from seqjobs.cli.views.console import results_console
from seqjobs.cli.views.json_output import print_json, run_json
from seqjobs.cli.views.run_list import RunLine, runs_sheet
from seqjobs.results.run_folders import list_runs


@click.command("ls")
@runs_dir_option
@output_option("table", "json")
def command(runs_dir: Path, output: str) -> None:
    """List the runs, newest first."""
    lines = [RunLine.read(path) for path in list_runs(runs_dir)]
    if output == "json":
        print_json({"runs": [run_json(line.run) for line in lines if line.run is not None]})
    elif lines:
        console = results_console()
        console.print(runs_sheet(lines).fitted(console.width).table())
    else:
        click.echo(f"there are no runs in {runs_dir}.", err=True)
