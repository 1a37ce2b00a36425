"""standardize: minus the mean, divided by the standard deviation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import NUMBER, Learner, Note, Operation, Values, check_numbers, numbers
from seqjobs.data.preprocess.moments import Moments


@final
@dataclass(frozen=True, kw_only=True)
class Standardize(Operation):
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None
    """1 where a column is constant, which so becomes 0; as scikit-learn's StandardScaler has it."""

    @property
    def refuses_infinite(self) -> bool:
        return True

    def output(self, given: ColumnType) -> ColumnType:
        check_numbers(given)
        return replace(NUMBER, shape=given.shape)

    def learner(self) -> Learner | None:
        return _Learner() if self.mean is None else None

    def apply(self, values: Values, _note: Note) -> Values:
        return (numbers(values) - np.array(self.mean)) / np.array(self.deviation)


@final
class _Learner:
    def __init__(self) -> None:
        self._moments = Moments()

    def add(self, values: Values) -> None:
        self._moments.add(numbers(values))

    def finish(self) -> Standardize:
        mean, deviation = self._moments.mean, self._moments.deviation
        # A column of one value has a deviation that is its rounding: so it is compared with what is known of the mean.
        is_constant = deviation <= np.abs(mean) * (10 * np.finfo(np.float64).eps)
        deviation = np.where(is_constant, 1.0, deviation)
        return Standardize(mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist()))
