"""Categories: the distinct values of a column as strings, and the numbers they get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import ColumnType
from seqjobs.data.dataset import Array
from seqjobs.data.preprocess._base import Learner, Note, Operation, Values, unlike
from seqjobs.data.preprocess.few_values import FewValues
from seqjobs.errors import DataError
from seqjobs.tables.operations import MAX_CATEGORIES

MAX_TEXT_BYTES = 10_000
OTHERS = 0
NOT_IN_TRAINING = "of a category that no training row has"


def check_categories(given: ColumnType) -> None:
    """Raises DataError where a row has more than one value, or one that names nothing."""
    if given.kind in ("time", "bytes") or given.shape not in ((), (1,)):
        raise unlike(given, "single strings or numbers", "take a part of it first, as by date_parts.")


def distinct(values: Values) -> tuple[list[str], Array, Array]:
    """The distinct values as strings, which of them each row has (rows,), and where there is none (bool, rows).

    Of whole numbers there may be some that no row has.
    The same value is the same string in every format: 3, "3" and 3.0 are "3".
    """
    few = FewValues.of(values)
    if few is not None:
        return [_text(value) for value in few.values.tolist()], few.codes, np.zeros(len(few.codes), bool)
    if isinstance(values, np.ndarray):
        found, rows = np.unique(values[:, 0], return_inverse=True)
        return [_text(value) for value in found.tolist()], rows, np.isnan(values[:, 0])
    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        values = values.dictionary_decode()  # else these nulls would count as values
    encoded = values if pa.types.is_dictionary(values.type) else pc.dictionary_encode(values)
    missing = np.isnan(_floats(values)) if pa.types.is_floating(values.type) else np.asarray(encoded.is_null())
    rows, dictionary = pc.fill_null(encoded.indices, 0).to_numpy(), encoded.dictionary
    if len(dictionary) > len(rows):  # one of a whole file, of which these rows have a part
        used, rows = np.unique(rows, return_inverse=True)
        dictionary = dictionary.take(pa.array(used))
    _check_lengths(dictionary)
    return [_text(value) for value in dictionary.to_pylist()], rows, missing


def _floats(values: pa.Array) -> Array:
    """NaN where a value is null too."""
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _check_lengths(dictionary: pa.Array) -> None:
    if not (pa.types.is_string(dictionary.type) or pa.types.is_large_string(dictionary.type)):
        return
    longest = pc.max(pc.binary_length(dictionary)).as_py() or 0
    if longest > MAX_TEXT_BYTES:
        what = f"a text has {longest:,} bytes, and the name of a category has {MAX_TEXT_BYTES:,} at most"
        raise DataError("E403", what, fix="use `tokens` for texts.")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def counted(values: Values) -> dict[str, int]:
    """How many rows have each value; missing ones left out."""
    texts, rows, missing = distinct(values)
    counts = np.bincount(rows[~missing], minlength=len(texts)).tolist()
    return {text: count for text, count in zip(texts, counts, strict=True) if count}


def by_frequency(counts: Mapping[str, int]) -> list[str]:
    """The most frequent first; those that are equally frequent in the order of their code points."""
    return sorted(counts, key=lambda text: (-counts[text], text))


def text_of_most_frequent(counts: Mapping[str, int]) -> str:
    return by_frequency(counts)[0]


@dataclass(frozen=True, kw_only=True)
class Categories(Operation):
    """The part of `index` and `one_hot` that tells which number a value gets."""

    takes_stored = True

    max: int | None = None
    min_count: int = 1
    unseen: str = "other"
    categories: tuple[str, ...] | None = None
    """The values with a number of their own, in the order of these."""

    @property
    def refuses_infinite(self) -> bool:
        return True

    @property
    def first(self) -> int:
        """The number of the first category: 0 is for all others, where there may be any."""
        return 1 if self.unseen == "other" else 0

    @property
    def num_categories(self) -> int | None:
        return None if self.categories is None else len(self.categories) + self.first

    def learner(self) -> Learner | None:
        return CategoryLearner(self) if self.categories is None else None

    def numbers_of(self, values: Values, note: Note) -> Array:
        """The number (rows,) of each row's value, as int32; of rows that are noted, any."""
        texts, rows, missing = distinct(values)
        known = {text: index for index, text in enumerate(self.categories or (), self.first)}
        mapping = np.array([known.get(text, -1) for text in texts] or [-1], np.int32)
        found = mapping[rows]
        note("null", missing)
        if self.unseen == "error":
            note(NOT_IN_TRAINING, (found < 0) & ~missing)
        return np.maximum(found, OTHERS)


@final
class CategoryLearner:
    def __init__(self, operation: Categories) -> None:
        self._operation = operation
        self._counts: Counter[str] = Counter()

    def add(self, values: Values) -> None:
        self._counts.update(counted(values))

    def finish(self) -> Categories:
        operation = self._operation
        frequent = [text for text in by_frequency(self._counts) if self._counts[text] >= operation.min_count]
        if len(frequent) > MAX_CATEGORIES and operation.max is None:
            what = f"the training rows have {len(frequent):,} distinct values, and there are {MAX_CATEGORIES:,} at most"
            raise DataError("E403", what, fix="name the most to keep in `max`, or use `hash`.")
        return replace(operation, categories=tuple(frequent[: operation.max]))
