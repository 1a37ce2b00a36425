"""predict_rows: write the predictions of a finished trial for new rows."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from seqjobs.data.new_rows import KeptColumns, NewBatch, NewRows, new_source
from seqjobs.data.tally import Tally
from seqjobs.data.unseen_values import UnseenValues
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.execution.predicting import Predicting
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.resources import Resources
from seqjobs.results.finished import finished_model
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.prediction_columns import Columns, PredictionColumns
from seqjobs.results.prediction_file import PredictionFile
from seqjobs.results.run import Run
from seqjobs.store.output_file import output_file
from seqjobs.training.finished_model import FinishedModel

# A worker takes seconds to start if none is kept warm.
BATCHES_A_WORKER = 8

Start = Callable[[int], Predicting]
"""Takes the number of workers that are of use, and returns the executor that starts them."""


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What was written: the number of rows, and the values that the training rows did not have, by column."""

    rows: int
    unseen: Mapping[str, UnseenValues]


def predict_rows(
    run: Run, trial: StoredTrial, paths: Sequence[str], out: Path | IO[bytes], start: Start, *, keep: Sequence[str] = ()
) -> Predictions:
    """Write a row with the model's predictions for each row of `paths`, in their order.

    Rows are read in batches and written as they come.

    Args:
        run: The run of the trial.
        trial: A trial that finished and whose weights were kept.
        paths: Files, folders or patterns as in `data.train`, from the current folder.
        out: A file that is published once it is whole, Parquet or CSV by its ending; or a stream that gets CSV.
        start: Starts workers.
        keep: Columns to write before the predictions.

    Raises:
        NotFoundError: E614 if the weights were not kept.
        StorageError: E606 if the file cannot be written.
        DataError: E402 for columns that do not exist, E407 and E408 for values that are unseen or null, all of which
            are counted, and those of files that cannot be read.
        ClusterError: If the workers are lost.
    """
    model, source = finished_model(run, trial)
    rows = NewRows.find(new_source(source, paths, Path.cwd()), model.preparation, keep)
    kept = KeptColumns(rows, keep)
    columns = PredictionColumns.of(model.trial.spec.compile.loss, model.classes)
    unseen: dict[str, UnseenValues] = {}
    with _prediction_file(out) as file, start(-(-rows.num_batches // BATCHES_A_WORKER)) as executor:
        for kept_rows, outputs in _outputs(executor, model, rows, kept, unseen):
            predictions = columns.columns(outputs)
            _check_names(keep, predictions)
            file.write(kept_rows, predictions)
    return Predictions(rows=rows.rows, unseen=unseen)


@contextlib.contextmanager
def _prediction_file(out: Path | IO[bytes]) -> Iterator[PredictionFile]:
    """Open a table at a path, Parquet or CSV by its ending, or CSV in a stream. Raises StorageError E606."""
    if isinstance(out, Path):
        with output_file(out, "the predictions") as file, PredictionFile(file, is_csv=out.suffix == ".csv") as table:
            yield table
    else:
        with PredictionFile(out, is_csv=True) as table:
            yield table


def _outputs(
    executor: Predicting, model: FinishedModel, rows: NewRows, kept: KeptColumns, unseen: dict[str, UnseenValues]
) -> Iterator[tuple[Any, Any]]:
    """Yield kept columns and outputs of each batch; add to `unseen`. Raises DataError once all rows were checked."""
    wrong = Tally()
    waiting: deque[Any] = deque()

    def batches() -> Iterator[NewBatch]:
        for batch, place in rows.batches():
            waiting.append(kept.of(batch))
            yield NewBatch(rows=batch.select(list(rows.features)), place=place, checks_only=bool(wrong))

    for answer in executor.predict(model, batches()):
        wrong.merge(answer.wrong)
        for column, found in answer.unseen.items():
            unseen[column] = unseen[column].merge(found) if column in unseen else found
        kept_rows = waiting.popleft()
        if answer.outputs is not None and not wrong:
            yield kept_rows, answer.outputs
    wrong.check(rows.rows)


def _check_names(keep: Sequence[str], predictions: Columns) -> None:
    for name in keep:
        if name in predictions:
            what = f"column {shown(name)} cannot be kept: a column of predictions has that name"
            raise DataError("E402", what, where="--keep", fix="leave it out of --keep, or rename it in the data.")


def workers_for(address: str | None, warn: Callable[[str], None] = lambda _: None) -> Start:
    """Return a start of workers on the cluster at an address; without one on the warm cluster, or else on a new one."""
    return lambda count: RayPool({Resources(): max(1, count)}, address=address, use_kept=True, warn=warn)
