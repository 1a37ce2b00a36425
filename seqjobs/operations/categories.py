"""Categories: the distinct values of a column as strings, and the numbers that they get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

from seqjobs.errors import DataError
from seqjobs.operations._base import Layer, Learner, Note, Operation, as_row
from seqjobs.operations.arrays import Array, Values, np, pa, pc
from seqjobs.operations.column_type import ColumnType
from seqjobs.operations.few_values import FewValues
from seqjobs.operations.takes import CATEGORIES
from seqjobs.operations.text_counts import TextCounts
from seqjobs.tables._base import Argument, ArgumentValue, Conflict
from seqjobs.tables.arguments import Integer, OneOf, Optional

MAX_CATEGORIES = 100_000
MAX_WITHOUT_MAX = 10_000
"""So many categories are learned if a spec does not say how many: a column of more may only identify rows."""
MAX_TEXT_BYTES = 10_000
OTHERS = 0
NOT_IN_TRAINING = "of a category that no training row has"
TOO_LARGE_TO_EXPORT = "its uint64 numbers may be larger than Keras's int64"
# More of them would take 80 MB for a batch of 1,000 rows while they are compared.
_MOST_FRACTIONS = 10_000
_BOOLS = {"false": 0, "true": 1}

CATEGORY_ARGUMENTS = {
    "max": Argument(Optional(Integer(at_most=MAX_CATEGORIES)), None),
    "min_count": Argument(Integer(), 1),
    "unseen": Argument(OneOf(("other", "error")), "other"),
}


def no_room_for_others(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if given["unseen"] == "error" and (given["max"] is not None or given["min_count"] != 1):
        what = "max and min_count turn rare values into others, which `unseen: error` does not allow"
        yield Conflict("unseen", what, "remove `unseen: error`, or remove max and min_count")


def distinct(values: Values) -> tuple[list[str], Array, Array]:
    """Return the distinct values as strings, which of them each row has (rows,), and where none is (bool, rows).

    Whole numbers may come with values that no row has.
    The same value is the same string in every format: 3, "3" and 3.0 are "3".
    """
    few = FewValues.of(values)
    if few is not None:
        return [_text(value) for value in few.values.tolist()], few.codes, np.zeros(len(few.codes), bool)
    if isinstance(values, np.ndarray):
        found, rows = np.unique(values[:, 0], return_inverse=True)
        return [_text(value) for value in found.tolist()], rows, np.isnan(values[:, 0])
    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        values = values.dictionary_decode()  # otherwise these nulls would count as values
    encoded = values if pa.types.is_dictionary(values.type) else pc.dictionary_encode(values)
    missing = np.isnan(_floats(values)) if pa.types.is_floating(values.type) else np.asarray(encoded.is_null())
    rows, dictionary = pc.fill_null(encoded.indices, 0).to_numpy(), encoded.dictionary
    if len(dictionary) > len(rows):  # that of a whole file, of which these rows are a part
        used, rows = np.unique(rows, return_inverse=True)
        dictionary = dictionary.take(pa.array(used))
    _check_lengths(dictionary)
    return [_text(value) for value in dictionary.to_pylist()], rows, missing


def _floats(values: pa.Array) -> Array:
    """Return the values with NaN where one is null too."""
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _check_lengths(dictionary: pa.Array) -> None:
    if not (pa.types.is_string(dictionary.type) or pa.types.is_large_string(dictionary.type)):
        return
    longest = pc.max(pc.binary_length(dictionary)).as_py() or 0
    if longest > MAX_TEXT_BYTES:
        what = f"a text has {longest:,} bytes, and the name of a category has at most {MAX_TEXT_BYTES:,}"
        raise DataError("E403", what, fix="use `tokens` for texts.")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def counted(values: Values) -> dict[str, int]:
    """Return how many rows have each value, without the missing ones."""
    texts, rows, missing = distinct(values)
    counts = np.bincount(rows[~missing], minlength=len(texts)).tolist()
    return {text: count for text, count in zip(texts, counts, strict=True) if count}


def by_frequency(counts: Mapping[str, int]) -> list[str]:
    """Sort by frequency, the most frequent first, and by code points where two are equally frequent.

    Keras's `adapt` has equally frequent ones in the reverse order.
    """
    return sorted(counts, key=lambda text: (-counts[text], text))


@dataclass(frozen=True, kw_only=True)
class Categories(Operation):
    """What `index` and `one_hot` have in common: which number a value gets.

    The numbers are those of keras.layers.StringLookup and IntegerLookup with this vocabulary and without a mask. These
    layers look up no fractions, so those are compared.
    """

    takes = CATEGORIES
    looks_up = True

    max: int | None = None
    min_count: int = 1
    unseen: str = "other"
    categories: tuple[str, ...] | None = None
    """The values with a number of their own, in the order of these numbers."""

    @property
    def refuses_infinite(self) -> bool:
        return True

    @property
    def first(self) -> int:
        """The number of the first category: 0 is for all others, if there may be others."""
        return 1 if self.unseen == "other" else 0

    @property
    def num_categories(self) -> int | None:
        return None if self.categories is None else len(self.categories) + self.first

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {text: index for index, text in enumerate(self.categories or (), self.first)}

    def learner(self) -> Learner | None:
        return CategoryLearner(self) if self.categories is None else None

    def numbers_of(self, values: Values, note: Note) -> Array:
        """Return the number (rows,) of each row's value, as int32; any number in rows that are noted."""
        texts, rows, missing = distinct(values)
        mapping = np.array([self._numbers.get(text, -1) for text in texts] or [-1], np.int32)
        found = mapping[rows]
        note("null", missing)
        if self.unseen == "error":
            note(NOT_IN_TRAINING, (found < 0) & ~missing)
        return np.maximum(found, OTHERS)

    def not_exportable(self, given: ColumnType) -> str:
        categories = self.categories or ()
        if not categories:
            return "it has no categories"
        if given.dtype == "uint64" and any(int(text) >= 2**63 for text in categories):
            return TOO_LARGE_TO_EXPORT
        if given.kind == "string" and any(text.endswith("\0") for text in categories):
            return "a category ends in a NUL, which Keras cuts off"
        if given.kind == "float" and self.unseen != "other":
            return "Keras cannot look up fractions, so it cannot report unseen ones"
        if given.kind == "float" and len(categories) > _MOST_FRACTIONS:
            return f"Keras cannot look up fractions, and there are more than {_MOST_FRACTIONS:,}"
        return ""

    def lookup_layer(self, given: ColumnType, keras: Any) -> Layer:
        """Return what looks up the number (rows, 1) of each value; it raises for an unseen one that is an error."""
        categories = list(self.categories or ())
        others = {"num_oov_indices": self.first, "mask_token": None}
        if given.kind == "string":
            unknown = "[UNK]"
            while unknown in categories:
                unknown += "_"
            layer: Layer = keras.layers.StringLookup(vocabulary=categories, oov_token=unknown, **others)
            return layer
        if given.kind == "float":
            return _compared([float(text) for text in categories], keras.ops)
        whole = [_BOOLS[text] if text in _BOOLS else int(text) for text in categories]
        lookup = keras.layers.IntegerLookup(vocabulary=whole, oov_token=min(whole) - 1, **others)
        return lambda column: lookup(keras.ops.cast(column, "int64"))


def _compared(categories: list[float], ops: Any) -> Layer:
    places = np.arange(1, len(categories) + 1).reshape(1, -1)
    return lambda column: ops.sum(
        ops.multiply(ops.cast(ops.equal(column, as_row(categories)), "int64"), places), axis=-1, keepdims=True
    )


@final
class CategoryLearner(Learner):
    """Counts the rows of each value. Without `max` it stops as soon as there are too many values."""

    smaller = "use `hash`, which learns nothing, or leave the column out if it identifies rows"

    def __init__(self, operation: Categories) -> None:
        self._operation = operation
        self._counts = TextCounts[str]()
        self._rows = 0

    @property
    def num_bytes(self) -> int:
        return self._counts.num_bytes

    def add(self, values: Values) -> None:
        self._counts.update(counted(values))
        self._rows += len(values)
        if self._operation.max is None and self._operation.min_count == 1:
            self._check(len(self._counts), f"the first {self._rows:,} training rows have", "distinct values")

    def finish(self) -> Categories:
        operation = self._operation
        frequent = [text for text in by_frequency(self._counts) if self._counts[text] >= operation.min_count]
        if operation.max is None:
            often = f"distinct values that at least {operation.min_count} rows have"
            self._check(len(frequent), "the training rows have", often)
        return replace(operation, categories=tuple(frequent[: operation.max]))

    def _check(self, number: int, which: str, values: str) -> None:
        if number <= MAX_WITHOUT_MAX:
            return
        fix = "set `max` to the number of values to keep, use `hash`, or leave the column out if it identifies rows."
        if self._operation.unseen == "error":
            fix = "remove `unseen: error` and " + fix
        limit = f"without `max` there may be {MAX_WITHOUT_MAX:,}"
        raise DataError("E417", f"{which} {number:,} {values}, and {limit}", fix=fix)
