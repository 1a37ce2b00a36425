"""min_max: from the least and the largest value to two bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType
from seqjobs.data.dataset import Array
from seqjobs.data.preprocess._base import NUMBER, Learner, Note, Operation, Values, check_numbers, numbers


@final
@dataclass(frozen=True, kw_only=True)
class MinMax(Operation):
    """Values beyond those of the training rows come to lie beyond the bounds."""

    low: float = 0.0
    high: float = 1.0
    least: tuple[float, ...] | None = None
    largest: tuple[float, ...] | None = None

    @property
    def refuses_infinite(self) -> bool:
        return True

    def output(self, given: ColumnType) -> ColumnType:
        check_numbers(given)
        return replace(NUMBER, shape=given.shape)

    def learner(self) -> Learner | None:
        return _Learner(self) if self.least is None else None

    def apply(self, values: Values, _note: Note) -> Values:
        least, width = np.array(self.least), np.array(self.largest) - np.array(self.least)
        share = (numbers(values) - least) / np.where(width == 0, 1.0, width)
        return self.low + share * (self.high - self.low)


@final
class _Learner:
    def __init__(self, operation: MinMax) -> None:
        self._operation = operation
        self._least: Array | float = np.inf
        self._largest: Array | float = -np.inf

    def add(self, values: Values) -> None:
        found = numbers(values)
        self._least = np.minimum(self._least, np.where(np.isnan(found), np.inf, found).min(axis=0))
        self._largest = np.maximum(self._largest, np.where(np.isnan(found), -np.inf, found).max(axis=0))

    def finish(self) -> MinMax:
        # A column without a number is found to be that when it is written; here it must only not spoil the rest.
        least, largest = np.atleast_1d(self._least), np.atleast_1d(self._largest)
        is_there = np.isfinite(least) & np.isfinite(largest)
        least, largest = np.where(is_there, least, 0.0), np.where(is_there, largest, 0.0)
        return replace(self._operation, least=tuple(least.tolist()), largest=tuple(largest.tolist()))
