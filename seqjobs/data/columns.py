"""The type of an Arrow column, and how a column becomes numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.place import Place
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import shown
from seqjobs.operations.arrays import Array, rows_with
from seqjobs.operations.column_type import ColumnType

EXTENSION_KEY = b"ARROW:extension:name"
NO_ROWS: Array = np.zeros(0, bool)
LARGEST_EXACT = 2**53  # float64 holds all whole numbers up to it


def column_type(field: pa.Field) -> ColumnType:
    """Return the type of a column. Raises DataError: E403 if it is neither numbers nor strings, E409 if its lists are
    empty, E414 if it is an extension type other than tensors."""
    kind = field.type
    metadata = field.metadata or {}
    if isinstance(kind, pa.FixedShapeTensorType):
        return _tensor_type(field)
    if isinstance(kind, pa.BaseExtensionType) or EXTENSION_KEY in metadata:
        raise _refused_extension(field)
    if pa.types.is_fixed_size_list(kind):
        return _list_type(field, (kind.list_size,))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _list_type(field, None)
    return _scalar_type(field.name, kind, ())


def stored_type(field: pa.Field) -> ColumnType:
    """Return the type of a column as `column_type` does, but also of times and bytes, which operations can take."""
    kind = field.type
    is_extension = isinstance(kind, pa.BaseExtensionType) or EXTENSION_KEY in (field.metadata or {})
    if not is_extension and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return ColumnType(kind="time", dtype=str(kind), shape=())
    if not is_extension and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        return ColumnType(kind="bytes", dtype=str(kind), shape=())
    return column_type(field)


def described(field: pa.Field) -> str:
    """Return a text that is equal for two columns of the same type, even if they cannot be read."""
    try:
        return str(stored_type(field))
    except DataError:
        return shown(str(field.type))


def _tensor_type(field: pa.Field) -> ColumnType:
    kind = field.type
    order = list(kind.permutation or [])
    if order != sorted(order):
        what = f"column {shown(field.name)} stores its tensors with permuted axes {order}"
        raise DataError("E403", what, fix="store them in the order of their shape.")
    return _scalar_type(field.name, kind.value_type, tuple(kind.shape))


def _list_type(field: pa.Field, shape: tuple[int, ...] | None) -> ColumnType:
    item = field.type.value_field
    if isinstance(item.type, pa.BaseExtensionType) or EXTENSION_KEY in (item.metadata or {}):
        raise _refused_extension(field)
    found = _scalar_type(field.name, item.type, shape)
    if found.kind == "string":
        raise _not_numbers(field.name, field.type)
    return found


def _scalar_type(name: str, kind: pa.DataType, shape: tuple[int, ...] | None) -> ColumnType:
    if shape is not None and math.prod(shape) == 0:
        raise DataError("E409", f"the lists of column {shown(name)} are empty", fix="leave the column out.")
    if is_string(kind):
        return ColumnType(kind="string", dtype="str", shape=shape)
    if pa.types.is_boolean(kind):
        return ColumnType(kind="bool", dtype="bool", shape=shape)
    if pa.types.is_integer(kind):
        return ColumnType(kind="integer", dtype=str(kind), shape=shape)
    if pa.types.is_floating(kind):
        return ColumnType(kind="float", dtype=np.dtype(kind.to_pandas_dtype()).name, shape=shape)
    raise _not_numbers(name, kind)


def is_string(kind: pa.DataType) -> bool:
    """Whether a column holds text, also in a dictionary."""
    if pa.types.is_dictionary(kind):
        return is_string(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _not_numbers(name: str, kind: pa.DataType) -> DataError:
    what = f"column {shown(name)} holds no numbers: its type is {shown(str(kind))}"
    return DataError("E403", what, fix="store it as numbers, or leave the column out.")


def _refused_extension(field: pa.Field) -> DataError:
    name = (field.metadata or {}).get(EXTENSION_KEY)
    extension = shown(name.decode(errors="replace") if name else str(field.type))
    what = f"column {shown(field.name)} has the extension type {extension}, but only arrow.fixed_shape_tensor is read"
    return DataError("E414", what, fix="store it as numbers or as lists of one length.")


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A column of one batch: its values, or the rows that are null."""

    values: Array | None  # (rows, width); None where rows are null
    null_rows: Array  # bool (rows,); empty where no row is null


def numbers_of(column: pa.Array, name: str, width: int, place: Place) -> Numbers:
    """Return the numbers of a column, as a view if Arrow's memory allows it.

    Raises DataError (E409) for a list of another length.
    """
    storage = column.storage if isinstance(column, pa.ExtensionArray) else column
    if storage.null_count:
        return Numbers(values=None, null_rows=_mask(storage))
    if not is_list(storage.type):
        return Numbers(values=_values(storage).reshape(-1, 1), null_rows=NO_ROWS)
    _check_lengths(storage, name, width, place)
    flat = storage.flatten()
    if flat.null_count:
        return Numbers(values=None, null_rows=rows_with(_mask(flat).reshape(-1, width)))
    return Numbers(values=_values(flat).reshape(-1, width), null_rows=NO_ROWS)


def numbers_with_gaps(column: pa.Array, name: str, width: int, place: Place) -> Array:
    """Return the numbers of a column as float64 (rows, width), NaN where a value is null.

    Raises DataError (E409) for a list of another length.
    """
    storage = column.storage if isinstance(column, pa.ExtensionArray) else column
    if not is_list(storage.type):
        if not storage.null_count:
            return _values(storage).astype(np.float64, copy=False).reshape(-1, 1)
        return np.asarray(_values(storage.cast(pa.float64(), safe=False)), np.float64).reshape(-1, 1)
    is_there = ~_mask(storage)
    _check_lengths(storage, name, width, place)
    made = np.full((len(storage), width), np.nan)
    made[is_there] = _values(storage.flatten().cast(pa.float64(), safe=False)).reshape(-1, width)
    return made


def numeric_type(dtype: str) -> pa.DataType:
    """Return Arrow's type for NumPy's name of a type of numbers."""
    return pa.from_numpy_dtype(np.dtype(dtype))


def stored_bytes(column: pa.Array) -> int:
    """Return the bytes of a column's values, each value of a dictionary counted as the longest in each of its rows."""
    if not pa.types.is_dictionary(column.type) or pa.types.is_string_view(column.type.value_type):
        return int(column.nbytes)
    longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
    return len(column) * (int(longest) + int(column.type.index_type.byte_width))


def has_large_numbers(column: pa.Array) -> bool:
    """Return whether a column has whole numbers that float64 may not hold exactly."""
    storage = column.storage if isinstance(column, pa.ExtensionArray) else column
    values = storage.flatten() if is_list(storage.type) else storage
    if not (pa.types.is_int64(values.type) or pa.types.is_uint64(values.type)):
        return False
    least, largest = pc.min_max(values).as_py().values()
    return least is not None and max(-least, largest) > LARGEST_EXACT


def single_values(column: pa.Array, name: str, place: Place) -> pa.Array:
    """Return the values of lists of one; null where the list or its value is null.

    Raises DataError (E409) for a list of another length.
    """
    _check_lengths(column, name, 1, place)
    is_there = column.is_valid()
    values = column.filter(is_there).flatten()
    # Row -> its place among the lists that are there.
    places = np.where(_values(is_there), np.cumsum(_values(is_there)) - 1, 0)
    return values.take(pa.array(places, mask=_mask(column)))


def is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _check_lengths(column: pa.Array, name: str, width: int, place: Place) -> None:
    if pa.types.is_fixed_size_list(column.type) and column.type.list_size == width:
        return
    lengths = _values(pc.fill_null(pc.list_value_length(column), width))
    wrong = lengths != width
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            "E409",
            f"column {shown(name)} has lists of different lengths: {lengths[row]} values in {place.row(row)}, "
            f"{width} in the first row of the training data",
            where=place.where,
            fix="make all lists of the column equally long.",
        )


def _values(column: pa.Array) -> Array:
    values: Array = column.to_numpy(zero_copy_only=False)
    return values


def _mask(column: pa.Array) -> Array:
    return _values(column.is_null())


def length_of_first(column: pa.Array, name: str, where: str) -> int:
    """Return how many values the first list has. Raises DataError: E408 if it is null, E409 if it is empty."""
    length = pc.list_value_length(column)[0].as_py()
    if length is None:
        what = f"column {shown(name)} has a null in its first row, where a list was expected"
        raise DataError("E408", what, where=printable(where), fix="write a list there, or leave the row out.")
    if not length:
        what = f"column {shown(name)} has an empty list in its first row"
        raise DataError("E409", what, where=printable(where), fix="make all lists of the column equally long.")
    return int(length)
