"""bucketize: the number of boundaries that are at or below a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType, rows_with
from seqjobs.data.dataset import Array
from seqjobs.data.preprocess._base import Learner, Note, Operation, Values, check_numbers, numbers
from seqjobs.errors import DataError


@final
@dataclass(frozen=True, kw_only=True)
class Bucketize(Operation):
    boundaries: tuple[float, ...] | None = None
    quantiles: int | None = None

    @property
    def refuses_infinite(self) -> bool:
        return True

    def output(self, given: ColumnType) -> ColumnType:
        check_numbers(given)
        return ColumnType(kind="integer", dtype="int32", shape=given.shape)

    def learner(self) -> Learner | None:
        return _Learner(self) if self.boundaries is None else None

    def apply(self, values: Values, note: Note) -> Values:
        found = numbers(values)
        note("null", rows_with(np.isnan(found)))
        return np.searchsorted(np.array(self.boundaries), found, side="right").astype(np.int32)


@final
class _Learner:
    """Holds the column, 8 bytes a number, for quantiles that are merged from parts are others in other parts."""

    def __init__(self, operation: Bucketize) -> None:
        self._operation = operation
        self._parts: list[Array] = []

    def add(self, values: Values) -> None:
        self._parts.append(numbers(values).reshape(-1))

    def finish(self) -> Bucketize:
        found = np.concatenate(self._parts)
        found = found[~np.isnan(found)]
        if not found.size:
            what = "all training rows are missing, so there are no quantiles"
            raise DataError("E403", what, fix="leave the column out, or impute it before.")
        shares = np.arange(1, self._operation.quantiles or 2) / (self._operation.quantiles or 2)
        return replace(self._operation, boundaries=tuple(np.unique(np.quantile(found, shares)).tolist()))
