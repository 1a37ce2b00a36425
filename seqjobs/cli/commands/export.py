"""seqjobs export: a trial's model as a file."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import address_option, run_argument, runs_dir_option, trial_option
from seqjobs.errors.printable import printable
from seqjobs.export import export_model, export_with_preprocessing
from seqjobs.predict import workers_for
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run, find_trial


def _keras_file(_ctx: click.Context, _parameter: click.Parameter, path: Path) -> Path:
    if path.suffix != ".keras":
        raise click.BadParameter(f"the file must end in .keras (got {printable(path)}).")
    return path


@click.command("export")
@run_argument
@runs_dir_option
@trial_option
@click.option(
    "--out",
    metavar="FILE.keras",
    required=True,
    callback=_keras_file,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; `keras.models.load_model` opens it.",
)
@click.option(
    "--with-preprocessing", is_flag=True, help="The model takes raw columns, and does the operations on them itself."
)
@address_option
def command(
    run: str | None, runs_dir: Path, trial: str | None, out: Path, with_preprocessing: bool, address: str | None
) -> None:
    """Write a trial's model as a .keras file."""
    found = Run.open(find_run(runs_dir, run))
    asked = find_trial(found, trial)
    if with_preprocessing:
        written = export_with_preprocessing(found, asked, out, workers_for(address))
    else:
        written = export_model(found, asked, out, address=address)
    click.echo(printable(written))
