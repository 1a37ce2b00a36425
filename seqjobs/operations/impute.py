"""impute: replace missing values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.errors import DataError
from seqjobs.errors.problems import Path, Problems
from seqjobs.operations._base import Layer, Learner, Note, Operation, as_row, numbers
from seqjobs.operations.arrays import Array, Values, np, pa, pc
from seqjobs.operations.categories import by_frequency, counted
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.moments import Moments
from seqjobs.operations.takes import NUMBERS, TEXTS, Takes
from seqjobs.operations.text_counts import BYTES_OF_A_COUNT, TextCounts
from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry, Invalid, JsonValue, Kind, part
from seqjobs.tables.arguments import Flag, Number, OneOf, Optional, refuse

_LONGEST_TEXT = 1000


@part
class _NumberOrText(Kind):
    """What a missing value may become."""

    @property
    def expected(self) -> str:
        return "a number or a string"

    def check(self, value: object, path: Path, problems: Problems) -> ArgumentValue | Invalid:
        if isinstance(value, str):
            return value if len(value) <= _LONGEST_TEXT else refuse(self, value, path, problems, fix="shorten it")
        return Number().check(value, path, problems)

    def json_schema(self) -> dict[str, JsonValue]:
        return {"type": ["number", "string"]}


def _one_replacement(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if (given["strategy"] is None) == (given["constant"] is None):
        what = "impute takes a strategy or a constant, one of the two"
        yield Conflict("strategy", what, "write {impute: median}, or {impute: {constant: 0}}")


@final
@dataclass(frozen=True, kw_only=True)
class Impute(Operation):
    """Missing are nulls, NaN among numbers, and empty strings.

    An empty cell of CSV is a null and an exported model knows no null strings, so an empty string must mean the same.
    """

    entry = Entry(
        "impute",
        "Replace missing values (nulls, NaN, empty strings) with the mean, median or most frequent value of the "
        "training rows, or with a constant. `indicator` adds a column that is 1 where a number was missing.",
        {
            "strategy": Argument(Optional(OneOf(("mean", "median", "most_frequent"))), None),
            "constant": Argument(Optional(_NumberOrText()), None),
            "indicator": Argument(Flag(), False),
        },
        rules=(_one_replacement,),
        number="constant",
        alone="strategy",
    )
    takes = replace(NUMBERS, words="numbers, strings", kinds=NUMBERS.kinds | TEXTS.kinds, wanted="numbers or strings")
    keeps_values = True

    strategy: str | None = None
    constant: float | str | None = None
    indicator: bool = False
    values: tuple[float, ...] | str | None = None
    """What replaces a missing value: one number for each of a row's, or a string."""

    @property
    def refuses_infinite(self) -> bool:
        return self.constant is None

    @property
    def accepted(self) -> Takes:
        if isinstance(self.constant, str):
            return replace(TEXTS, wanted="strings if its constant is one", fix="write a number as its constant.")
        if self.strategy in ("mean", "median"):
            wanted, fix = f"numbers if its strategy is {self.strategy}", "write impute: most_frequent for strings."
        elif self.indicator:
            wanted, fix = "numbers if it has an indicator", "remove the indicator for strings."
        elif self.constant is not None:
            wanted, fix = "numbers if its constant is one", "put the constant in quotes for strings."
        else:
            return self.takes
        return replace(NUMBERS, wanted=wanted, fix=fix)

    def makes(self, given: ColumnType) -> ColumnType:
        if given.kind == "string":
            return given
        return replace(NUMBER, shape=(given.width * 2,) if self.indicator else given.shape)

    def learner(self) -> Learner | None:
        if self.values is not None or self.constant is not None:
            return None
        return _LEARNERS[str(self.strategy)](self)

    def apply(self, values: Values, _note: Note) -> Values:
        if isinstance(values, pa.Array):
            return pc.fill_null(_without_empty(values), self._replacement)
        found = numbers(values)
        missing = np.isnan(found)
        filled = np.where(missing, np.array(self._replacement, np.float64), found)
        return np.concatenate([filled, missing.astype(np.float64)], axis=1) if self.indicator else filled

    def layer(self, given: ColumnType, keras: Any) -> Layer:
        ops = keras.ops
        if given.kind == "string":
            is_empty = keras.layers.StringLookup(vocabulary=[""], mask_token=None)
            return lambda column: ops.where(ops.equal(is_empty(column), 1), str(self._replacement), column)

        def layer(column: Any) -> Any:
            missing = ops.isnan(column)
            filled = ops.where(missing, as_row(self._replacement), column)
            return ops.concatenate([filled, ops.cast(missing, "float64")], axis=-1) if self.indicator else filled

        return layer

    @property
    def _replacement(self) -> Any:
        return self.constant if self.values is None else self.values


def _without_empty(values: pa.Array) -> pa.Array:
    """Return strings with a null for each empty one."""
    texts = values.cast(pa.string()) if pa.types.is_dictionary(values.type) else values
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)


def _nothing_there(strategy: str) -> DataError:
    what = f"the value is missing in all training rows, so there is no {strategy.replace('_', ' ')}"
    return DataError("E417", what, fix="leave the column out, or write {impute: {constant: 0}}.")


@final
class _Mean(Learner):
    def __init__(self, operation: Impute) -> None:
        self._operation = operation
        self._moments = Moments()

    @property
    def num_bytes(self) -> int:
        return self._moments.num_bytes

    def add(self, values: Values) -> None:
        self._moments.add(numbers(values))

    def end_part(self) -> None:
        self._moments.end_part()

    def finish(self) -> Impute | None:
        if not self._moments.finish():
            return None
        if not self._moments.count.all():
            raise _nothing_there("mean")
        return replace(self._operation, values=tuple(self._moments.mean.tolist()))


@final
class _Median(Learner):
    """Holds the column, 8 bytes per number: a median that is merged from parts depends on the parts."""

    smaller = "write {impute: mean}"

    def __init__(self, operation: Impute) -> None:
        self._operation = operation
        self._parts: list[Array] = []
        self._num_bytes = 0

    @property
    def num_bytes(self) -> int:
        return self._num_bytes

    def add(self, values: Values) -> None:
        self._parts.append(numbers(values).copy())  # a view would keep the whole batch
        self._num_bytes += self._parts[-1].nbytes

    def finish(self) -> Impute:
        return replace(self._operation, values=tuple(map(self._median, range(self._parts[0].shape[1]))))

    def _median(self, place: int) -> float:
        """Return the median of one of a row's numbers: all of them at once would be copied twice."""
        found = np.concatenate([part[:, place : place + 1] for part in self._parts])
        if np.isnan(found).all():
            raise _nothing_there("median")
        return float(np.nanmedian(found, axis=0)[0])


@final
class _MostFrequent(Learner):
    """Of several values that are equally frequent, the first in the order of numbers or of code points."""

    smaller = "write {impute: {constant: ...}}"

    def __init__(self, operation: Impute) -> None:
        self._operation = operation
        self._texts = TextCounts[str]()
        self._numbers: list[Counter[float]] = []

    @property
    def num_bytes(self) -> int:
        return self._texts.num_bytes + BYTES_OF_A_COUNT * sum(map(len, self._numbers))

    def add(self, values: Values) -> None:
        if isinstance(values, pa.Array):
            self._texts.update(counted(_without_empty(values)))
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
            return replace(self._operation, values=by_frequency(self._texts)[0])
        return replace(
            self._operation,
            values=tuple(min(counter, key=lambda value: (-counter[value], value)) for counter in self._numbers),
        )


_LEARNERS: Mapping[str, Callable[[Impute], Learner]] = {
    "mean": _Mean,
    "median": _Median,
    "most_frequent": _MostFrequent,
}
