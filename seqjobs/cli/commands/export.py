"""seqjobs export: a trial's model as a file."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import address_option, run_argument, runs_dir_option, trial_option
from seqjobs.cli.views.printable import printable
from seqjobs.export import export_model
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
@address_option
def command(run: str | None, runs_dir: Path, trial: str | None, out: Path, address: str | None) -> None:
    """Write a trial's model as a .keras file."""
    found = Run.open(find_run(runs_dir, run))
    click.echo(printable(export_model(found, find_trial(found, trial), out, address=address)))
