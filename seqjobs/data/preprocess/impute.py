"""impute: what missing values become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import ColumnType
from seqjobs.data.dataset import Array
from seqjobs.data.preprocess._base import NUMBER, Learner, Note, Operation, Values, check_numbers, numbers, unlike
from seqjobs.data.preprocess.categories import counted, text_of_most_frequent
from seqjobs.data.preprocess.moments import Moments
from seqjobs.errors import DataError


@final
@dataclass(frozen=True, kw_only=True)
class Impute(Operation):
    """Nulls, and NaN among numbers."""

    keeps_values = True

    strategy: str | None = None
    constant: float | str | None = None
    indicator: bool = False
    values: tuple[float, ...] | str | None = None
    """What stands in for a missing value: a number for each of a row's, or a string."""

    @property
    def refuses_infinite(self) -> bool:
        return self.constant is None

    def output(self, given: ColumnType) -> ColumnType:
        if given.kind == "string":
            self._check_strings(given)
            return given
        check_numbers(given)
        if isinstance(self.constant, str):
            raise unlike(given, "strings, since its constant is one", "write a number as its constant.")
        return replace(NUMBER, shape=(given.width * 2,) if self.indicator else given.shape)

    def learner(self) -> Learner | None:
        if self.values is not None or self.constant is not None:
            return None
        return _LEARNERS[str(self.strategy)](self)

    def apply(self, values: Values, _note: Note) -> Values:
        replacement = self.constant if self.values is None else self.values
        if isinstance(values, pa.Array):
            text = values.cast(pa.string()) if pa.types.is_dictionary(values.type) else values
            return pc.fill_null(text, replacement)
        found = numbers(values)
        missing = np.isnan(found)
        filled = np.where(missing, np.array(replacement, np.float64), found)
        return np.concatenate([filled, missing.astype(np.float64)], axis=1) if self.indicator else filled

    def _check_strings(self, given: ColumnType) -> None:
        if self.strategy in ("mean", "median"):
            raise unlike(given, f"numbers, as only they have a {self.strategy}", "write impute: most_frequent.")
        if self.indicator:
            raise unlike(given, "numbers where it has an indicator", "remove the indicator.")
        if isinstance(self.constant, float):
            raise unlike(given, "numbers, since its constant is one", "put its constant in quotes.")


def _nothing_there(strategy: str) -> DataError:
    what = f"all training rows are missing, so there is no {strategy.replace('_', ' ')}"
    return DataError("E403", what, fix="leave the column out, or write {impute: {constant: 0}}.")


@final
class _Mean:
    def __init__(self, operation: Impute) -> None:
        self._operation = operation
        self._moments = Moments()

    def add(self, values: Values) -> None:
        self._moments.add(numbers(values))

    def finish(self) -> Impute:
        if not self._moments.count.all():
            raise _nothing_there("mean")
        return replace(self._operation, values=tuple(self._moments.mean.tolist()))


@final
class _Median:
    """Holds the column, 8 bytes a number: a median that is merged from parts would be another in other parts."""

    def __init__(self, operation: Impute) -> None:
        self._operation = operation
        self._parts: list[Array] = []

    def add(self, values: Values) -> None:
        self._parts.append(numbers(values))

    def finish(self) -> Impute:
        found = np.concatenate(self._parts)
        if np.isnan(found).all(axis=0).any():
            raise _nothing_there("median")
        return replace(self._operation, values=tuple(np.nanmedian(found, axis=0).tolist()))


@final
class _MostFrequent:
    """Of several that are equally frequent, the first in the order of numbers or of code points."""

    def __init__(self, operation: Impute) -> None:
        self._operation = operation
        self._texts: Counter[str] = Counter()
        self._numbers: list[Counter[float]] = []

    def add(self, values: Values) -> None:
        if isinstance(values, pa.Array):
            self._texts.update(counted(values))
            return
        found = numbers(values)
        self._numbers = self._numbers or [Counter() for _ in range(found.shape[1])]
        for counter, column in zip(self._numbers, found.T, strict=True):
            distinct, counts = np.unique(column[~np.isnan(column)], return_counts=True)
            counter.update(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))

    def finish(self) -> Impute:
        if not self._texts and not (self._numbers and all(self._numbers)):
            raise _nothing_there("most_frequent value")
        if self._texts:
            return replace(self._operation, values=text_of_most_frequent(self._texts))
        return replace(
            self._operation,
            values=tuple(min(counter, key=lambda value: (-counter[value], value)) for counter in self._numbers),
        )


_LEARNERS: Mapping[str, Callable[[Impute], Learner]] = {
    "mean": _Mean,
    "median": _Median,
    "most_frequent": _MostFrequent,
}
