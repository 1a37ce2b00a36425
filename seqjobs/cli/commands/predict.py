"""seqjobs predict: a trial's predictions for new rows."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import address_option, run_and_data, run_and_data_argument, runs_dir_option, trial_option
from seqjobs.errors.printable import printable
from seqjobs.predict import predict_rows, workers_for
from seqjobs.results.prediction_file import SUFFIXES
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run, find_trial


def _table_file(_ctx: click.Context, _parameter: click.Parameter, path: Path) -> Path:
    if path.suffix not in SUFFIXES:
        raise click.BadParameter(f"the file must end in {' or '.join(SUFFIXES)} (got {printable(path)}).")
    return path


@click.command("predict")
@run_and_data_argument
@runs_dir_option
@trial_option
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    callback=_table_file,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write, .parquet or .csv: one row for each row of DATA, in their order.",
)
@click.option("--keep", metavar="COLUMN", multiple=True, help="A column of DATA to write too; repeat for more.")
@address_option
def command(
    words: tuple[str, ...], runs_dir: Path, trial: str | None, out: Path, keep: tuple[str, ...], address: str | None
) -> None:
    """Predict new rows with a trial's model.

    DATA is what `data.train` takes: files, folders, globs, s3://... The target column is not needed.
    """
    run, data = run_and_data(runs_dir, words)
    found = Run.open(find_run(runs_dir, run))
    rows = predict_rows(
        found, find_trial(found, trial), data, out, workers_for(address), keep=tuple(dict.fromkeys(keep))
    )
    click.echo(f"{printable(out)}: {rows:,} rows")
