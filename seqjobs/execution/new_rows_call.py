"""predicted, evaluated: what a worker does with new rows. Errors of the data are values here, as in `decode`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from seqjobs.data.dataset import Array
from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.data.new_features import new_features, new_layout
from seqjobs.data.new_rows import NewBatch
from seqjobs.data.tally import Tally
from seqjobs.data.unseen_values import UnseenValues, unseen_values
from seqjobs.errors import DataError
from seqjobs.errors.unforeseen import unforeseen
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.outcome import PackRunner

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Of one batch: the model's outputs (rows, ...) float32, or what keeps its rows from having any."""

    outputs: Array | None
    wrong: Tally
    unseen: Mapping[str, UnseenValues] = field(default_factory=dict)
    """By column."""


def predicted(runner: PackRunner, model: FinishedModel, batch: NewBatch) -> Predicted | DataError:
    """Rows that are wrong are counted; what cannot be counted is an error."""
    tally = Tally()
    try:
        with unforeseen("rows were prepared", batch.place.where):
            layout = new_layout(model.preparation, batch.rows.schema, batch.place.path)
            features = new_features(layout, batch.rows, batch.place, tally)
            if tally or batch.checks_only:
                return Predicted(outputs=None, wrong=tally)
            unseen = unseen_values(layout, batch.rows, batch.place)
        with unforeseen("the model predicted", batch.place.where):
            outputs = runner.predict(model, features)
        return Predicted(outputs=outputs, wrong=tally, unseen=unseen)
    except DataError as error:
        return error if error.where else DataError(error.code, error.what, where=batch.place.where, fix=error.fix)


def evaluated(runner: PackRunner, model: FinishedModel, rows: LabelledRows) -> Mapping[str, float] | DataError:
    try:
        with unforeseen("the model was evaluated", rows.source.spec.train[0]):
            return runner.evaluate(model, rows.blocks())
    except DataError as error:
        return error


def answered(answer: _Answer | DataError) -> _Answer:
    """What a worker answered. Raises DataError where that is what it is."""
    if isinstance(answer, DataError):
        raise answer
    return answer
