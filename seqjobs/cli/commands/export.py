"""seqjobs export: write a trial's model to a file."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import (
    OutputFile,
    address_option,
    check_may_write,
    force_option,
    print_warning,
    run_argument,
    runs_dir_option,
    trial_option,
)
from seqjobs.errors.printable import printable
from seqjobs.export import export_model, export_with_preprocessing
from seqjobs.predict import workers_for
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run, find_trial
from seqjobs.store.runs_folder import RunsFolder


@click.command("export")
@run_argument
@runs_dir_option
@trial_option
@click.option(
    "--out",
    metavar="FILE.keras",
    required=True,
    type=OutputFile(".keras"),
    help="Write to this file; `keras.models.load_model` opens it.",
)
@force_option
@click.option(
    "--with-preprocessing", is_flag=True, help="Include the operations on columns: the model takes raw columns."
)
@address_option
def command(
    *,
    run: str | None,
    runs_dir: Path,
    trial: str | None,
    out: Path,
    force: bool,
    with_preprocessing: bool,
    address: str | None,
) -> None:
    """Write a trial's model as a .keras file."""
    check_may_write(out, force=force)
    found = Run.open(find_run(RunsFolder(runs_dir), run))
    chosen = find_trial(found, trial)
    if with_preprocessing:
        written = export_with_preprocessing(found, chosen, out, workers_for(address, print_warning))
    else:
        written = export_model(found, chosen, out, address=address, warn=print_warning)
    click.echo(printable(written))
