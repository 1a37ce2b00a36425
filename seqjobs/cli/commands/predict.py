"""seqjobs predict: a trial's predictions for new rows."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import click

from seqjobs.cli.options import (
    OutputFile,
    address_option,
    check_may_write,
    force_option,
    print_warning,
    run_and_data,
    run_and_data_argument,
    runs_dir_option,
    trial_option,
)
from seqjobs.cli.views.formatting import counted
from seqjobs.data.unseen_values import MOST_VALUES, UnseenValues
from seqjobs.errors.printable import printable, printable_block
from seqjobs.predict import predict_rows, workers_for
from seqjobs.results.prediction_file import SUFFIXES
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run, find_trial
from seqjobs.store.runs_folder import RunsFolder

MEMORY_BYTES = 64 << 20


@click.command("predict")
@run_and_data_argument
@runs_dir_option
@trial_option
@click.option(
    "--out",
    metavar="FILE",
    type=OutputFile(*SUFFIXES),
    help="Write to this file, .parquet or .csv. Default: print CSV.",
)
@force_option
@click.option("--keep", metavar="COLUMN", multiple=True, help="Write this column of DATA too. Repeatable.")
@address_option
def command(
    *,
    words: tuple[str, ...],
    runs_dir: Path,
    trial: str | None,
    out: Path | None,
    force: bool,
    keep: tuple[str, ...],
    address: str | None,
) -> None:
    """Predict new rows with a trial's model.

    DATA has the form of `data.train`: files, folders, globs, s3://... The target column is not needed. The output has
    one row for each row of DATA, in the same order.
    """
    if out is not None:
        check_may_write(out, force=force)
    run, data = run_and_data(runs_dir, words)
    found = Run.open(find_run(RunsFolder(runs_dir), run))
    chosen, columns = find_trial(found, trial), tuple(dict.fromkeys(keep))
    if out is not None:
        done = predict_rows(found, chosen, data, out, workers_for(address, print_warning), keep=columns)
        click.echo(f"{printable(out)}: {counted(done.rows, 'row')}")
    else:
        # Rows that cannot be predicted are reported at the end: until then nothing is printed.
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
            done = predict_rows(found, chosen, data, file, workers_for(address, print_warning), keep=columns)
            file.seek(0)
            _print(file)
    for line in _unseen_lines(done.unseen):
        click.echo(line, err=True)


def _print(file: IO[bytes]) -> None:
    if sys.stdout.isatty():
        click.echo(printable_block(file.read().decode()), nl=False)
    else:
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.flush()


def _unseen_lines(unseen: Mapping[str, UnseenValues]) -> Iterator[str]:
    """`carrier: 12 values in 34 rows were not in the training rows`"""
    for column, found in unseen.items():
        many = "more than " if len(found.values) >= MOST_VALUES else ""
        values, rows = counted(len(found.values), "value"), counted(found.rows, "row")
        were = "was" if len(found.values) == 1 else "were"
        yield f"{printable(column)}: {many}{values} in {rows} {were} not in the training rows and counted as `other`."
