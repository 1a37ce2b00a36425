"""predict_rows: a finished trial of a run x new rows -> a file of predictions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seqjobs.data.new_rows import KeptColumns, NewBatch, NewRows, new_source
from seqjobs.data.tally import Tally
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
from seqjobs.training.finished_model import FinishedModel

# A worker takes seconds to start where none is kept warm.
BATCHES_A_WORKER = 8

Start = Callable[[int], Predicting]
"""Number of workers that are of use -> where they run."""


def predict_rows(
    run: Run, trial: StoredTrial, paths: Sequence[str], out: Path, start: Start, *, keep: Sequence[str] = ()
) -> int:
    """Writes a row with the model's predictions for each row of `paths`, in their order, and returns their number.

    Paths are those of `data.train`, from the current folder; `keep` are columns that stand before the predictions.
    Rows are read in batches and written as they come; the file is there once it is whole. Raises NotFoundError E614
    and E615, StorageError E606, ClusterError, and DataError as training does: E402 for columns that are not there,
    E407 and E408 for values that are unseen or null, all of which are counted.
    """
    model, source = finished_model(run, trial)
    rows = NewRows.find(new_source(source, paths, Path.cwd()), model.preparation, keep)
    kept = KeptColumns(rows, keep)
    columns = PredictionColumns.of(model.trial.spec.compile.loss, model.classes)
    with PredictionFile.writing(out) as file, start(-(-rows.num_batches // BATCHES_A_WORKER)) as executor:
        for kept_rows, outputs in _outputs(executor, model, rows, kept):
            predictions = columns.columns(outputs)
            _check_names(keep, predictions)
            file.write(kept_rows, predictions)
    return rows.rows


def _outputs(executor: Predicting, model: FinishedModel, rows: NewRows, kept: KeptColumns) -> Iterator[tuple[Any, Any]]:
    """Kept columns and outputs of each batch. Raises DataError once all rows that are wrong were counted."""
    wrong = Tally()
    beside: deque[Any] = deque()

    def batches() -> Iterator[NewBatch]:
        for batch, place in rows.batches():
            beside.append(kept.of(batch))
            yield NewBatch(rows=batch.select(list(rows.features)), place=place, checks_only=bool(wrong))

    for answer in executor.predict(model, batches()):
        wrong.merge(answer.wrong)
        kept_rows = beside.popleft()
        if answer.outputs is not None and not wrong:
            yield kept_rows, answer.outputs
    wrong.check(rows.rows)


def _check_names(keep: Sequence[str], predictions: Columns) -> None:
    for name in keep:
        if name in predictions:
            what = f"column {shown(name)} cannot be kept: a column of predictions has that name"
            raise DataError("E402", what, where="--keep", fix="leave it out, or name it otherwise in the data.")


def workers_for(address: str | None) -> Start:
    """Workers of the cluster at an address, of the one that is kept, or else of one that is started."""
    return lambda count: RayPool({Resources(): max(1, count)}, address=address, use_kept=True)
