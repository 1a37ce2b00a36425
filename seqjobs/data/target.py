"""TargetArray: the target of one split, filled batch by batch; one class per kind of target."""

from __future__ import annotations

from typing import Protocol, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import numbers_of
from seqjobs.data.features import check_int32
from seqjobs.data.layout import Layout
from seqjobs.data.place import Place
from seqjobs.data.tally import MAX_NAMED, Tally
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.operations.arrays import Array, rows_with

Classes = tuple[str, ...]

MAX_CLASS_BYTES = 10_000


class TargetArray(Protocol):
    """The target of one split."""

    def write(self, column: pa.Array, start: int, place: Place) -> None:
        """Decode the target of a batch into the rows from `start`. Raises DataError (E403, E409, E410, E424)."""

    def finish(self) -> tuple[Array, Classes | None]:
        """Return the target and, for strings, the classes. Raises DataError (E406, E407)."""


def target_array(layout: Layout, rows: int, tally: Tally, classes: Classes | None) -> TargetArray:
    """Return an empty target; `classes` are those of the training split, or None while that split is read."""
    if layout.target_kind == "string":
        return StringTarget(layout.target, rows, tally, classes)
    if layout.target_kind == "integer":
        return NumberTarget(layout, np.empty(rows, np.int32), tally)
    shape = (rows, layout.target_type.width) if layout.target_type.shape else (rows,)
    return NumberTarget(layout, np.empty(shape, np.float32), tally)


@final
class NumberTarget:
    """Integers as int32 (rows,); floats, and lists of any numbers, as float32 (rows,) or (rows, width)."""

    def __init__(self, layout: Layout, array: Array, tally: Tally) -> None:
        self._name = layout.target
        self._width = layout.target_type.width
        self._array = array
        self._tally = tally

    def write(self, column: pa.Array, start: int, place: Place) -> None:
        block = self._array[start : start + len(column)].reshape(-1, self._width)
        numbers = numbers_of(column, self._name, self._width, place)
        if numbers.values is None:
            self._tally.add("E408", "null", self._name, numbers.null_rows, place)
            return
        if block.dtype == np.int32:
            check_int32(numbers.values, self._name, place)
        with np.errstate(over="ignore"):
            np.copyto(block, numbers.values, casting="unsafe")
        if block.dtype == np.float32:
            self._tally.add("E431", "NaN or infinite", self._name, rows_with(~np.isfinite(block)), place)

    def finish(self) -> tuple[Array, Classes | None]:
        return self._array, None


@final
class StringTarget:
    """Indices (rows,) into the sorted distinct strings of the training split."""

    def __init__(self, name: str, rows: int, tally: Tally, classes: Classes | None) -> None:
        self._name = name
        self._array = np.empty(rows, np.int32)
        self._tally = tally
        self._classes = classes
        # String -> index: the final index if the classes are known, else the order in which strings appear.
        self._indices = {string: index for index, string in enumerate(classes or ())}
        self._unknown: dict[str, int] = {}

    def write(self, column: pa.Array, start: int, place: Place) -> None:
        if column.null_count:
            self._tally.add("E408", "null", self._name, np.asarray(column.is_null()), place)
            return
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        # A dictionary in the file may hold values that no row has, or a value twice.
        used, indices = np.unique(encoded.indices.to_numpy(), return_inverse=True)
        strings = _strings(encoded.dictionary.take(pa.array(used)), self._name, place)
        mapping = np.array([self._index(string) for string in strings], np.int32)
        self._array[start : start + len(column)] = mapping[indices]
        if self._unknown:
            self._count_unknown(strings, indices)

    def finish(self) -> tuple[Array, Classes | None]:
        if self._classes is not None:
            self._check_known()
            return self._array, self._classes
        classes = tuple(sorted(self._indices))
        if len(classes) < 2:
            what = f"target {shown(self._name)} is {shown(classes[0])} in all rows, so there is nothing to learn"
            raise DataError("E406", what, where="data.target", fix="name files with at least two classes.")
        order = np.empty(len(classes), np.int32)
        order[[self._indices[string] for string in classes]] = np.arange(len(classes), dtype=np.int32)
        return order[self._array], classes

    def _index(self, string: str) -> int:
        if self._classes is None:
            return self._indices.setdefault(string, len(self._indices))
        index = self._indices.get(string, -1)
        if index < 0:
            self._unknown.setdefault(string, 0)
        return index

    def _count_unknown(self, strings: list[str], indices: Array) -> None:
        for string, rows in zip(strings, np.bincount(indices, minlength=len(strings)), strict=True):
            if string in self._unknown:
                self._unknown[string] += int(rows)

    def _check_known(self) -> None:
        if self._unknown:
            named = [f"{shown(string)} ({rows:,} rows)" for string, rows in self._unknown.items()][:MAX_NAMED]
            more = f" and {len(self._unknown) - MAX_NAMED} more" if len(self._unknown) > MAX_NAMED else ""
            raise DataError(
                "E407",
                f"target {shown(self._name)} has classes that no training row has: {', '.join(named)}{more}",
                where="data.validation",
                fix="add rows of them to the training files, or remove these rows.",
            )


def _strings(dictionary: pa.Array, name: str, place: Place) -> list[str]:
    longest = pc.max(pc.binary_length(dictionary)).as_py() or 0
    if longest > MAX_CLASS_BYTES:
        what = f"target {shown(name)} has a text of {longest:,} bytes; the name of a class may have {MAX_CLASS_BYTES:,}"
        raise DataError("E403", f"{what} at most", where=place.where, fix="name a column of classes in data.target.")
    try:
        strings: list[str] = dictionary.to_pylist()
    except UnicodeDecodeError as error:  # Parquet's reader does not check the bytes of a string
        what = f"target {shown(name)} has text that is not UTF-8"
        raise DataError("E410", what, where=place.where, fix="write the file again with UTF-8 text.") from error
    return strings
