"""Predicting: where finished models meet new rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Protocol, Self

from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.data.new_rows import NewBatch
from seqjobs.execution.new_rows_call import Predicted
from seqjobs.training.finished_model import FinishedModel


class Predicting(Protocol):
    """What RayPool and InProcess do beside training; used as a context manager, as an Executor is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def predict(self, model: FinishedModel, batches: Iterable[NewBatch]) -> Iterator[Predicted]:
        """What the model makes of each batch, in their order; few are taken ahead of what is asked for.

        Raises DataError, and ClusterError.
        """

    def evaluate(self, model: FinishedModel, rows: LabelledRows) -> Mapping[str, float]:
        """Loss and metrics of the model on these rows, read where they are counted. Raises DataError, ClusterError."""

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:
        """A `.keras` file of the model with what makes features of raw columns before it. Raises ClusterError."""
