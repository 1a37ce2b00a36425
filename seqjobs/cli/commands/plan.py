"""seqjobs plan: show what would run."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import output_option, overrides_option, specs_argument
from seqjobs.cli.views.plans import show_plan
from seqjobs.jobspec.load import load_jobs
from seqjobs.preview import preview


@click.command("plan")
@specs_argument
@overrides_option
@click.option(
    "--data", "reads_rows", is_flag=True, help="Read the rows too, and print statistics of each column and warnings."
)
@output_option("table", "json")
def command(specs: tuple[Path, ...], overrides: tuple[str, ...], reads_rows: bool, output: str) -> None:
    """Show what would run: jobs, data, trials.

    Reads the footers of the data files, or their rows with --data, and trains nothing.
    """
    found = preview(load_jobs(specs, overrides), reads_rows=reads_rows)
    show_plan(found, output)
    found.check_rows()
