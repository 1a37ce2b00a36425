"""hash: make a whole number of a value's hash, for an Embedding."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, final

from seqjobs.operations._base import Layer, Note, Operation
from seqjobs.operations.arrays import Values, np, pa
from seqjobs.operations.categories import TOO_LARGE_TO_EXPORT, distinct
from seqjobs.operations.column_type import INDEX, ColumnType
from seqjobs.operations.lazy_module import lazy_module
from seqjobs.operations.takes import CATEGORIES
from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.arguments import Integer

siphash24 = lazy_module("siphash24")


@final
@dataclass(frozen=True, kw_only=True)
class Hash(Operation):
    """The numbers of keras.layers.Hashing(buckets, salt=seed): the value's text is hashed by SipHash-2-4.

    The layer cuts fractions off. Here the text of a fraction is that of the whole number with the bits of its float64.
    """

    entry = Entry(
        "hash",
        "Hash a value to a whole number below `buckets`, for an Embedding, as `keras.layers.Hashing(buckets, "
        "salt=seed)` does.",
        {"buckets": Argument(Integer(at_least=2)), "seed": Argument(Integer(at_least=0), 0)},
        alone="buckets",
    )
    takes = CATEGORIES
    looks_up = True

    buckets: int
    seed: int = 0

    @property
    def refuses_infinite(self) -> bool:
        return True

    def makes(self, given: ColumnType) -> ColumnType:  # noqa: ARG002
        return INDEX

    def apply(self, values: Values, note: Note) -> Values:
        texts, rows, missing = distinct(values)
        note("null", missing)
        if isinstance(values, np.ndarray) or pa.types.is_floating(values.type):
            texts = [_text_of_number(float(text)) for text in texts]
        elif pa.types.is_boolean(values.type):
            texts = [str(int(text == "true")) for text in texts]
        key = struct.pack("<QQ", self.seed, self.seed)
        digests = [siphash24.siphash24(text.encode(), key=key).intdigest() for text in texts or [""]]
        hashes = np.array(digests, np.int64).view(np.uint64)
        return (hashes % np.uint64(self.buckets)).astype(np.int32)[rows].reshape(-1, 1)

    def not_exportable(self, given: ColumnType) -> str:
        return TOO_LARGE_TO_EXPORT if given.dtype == "uint64" else ""

    def layer(self, given: ColumnType, keras: Any) -> Layer:
        hashing: Layer = keras.layers.Hashing(self.buckets, salt=self.seed)
        if given.kind == "string":
            return hashing
        if given.kind != "float":
            return lambda column: hashing(keras.ops.cast(column, "int64"))
        return lambda column: hashing(_whole_numbers(column, keras.ops))


def _text_of_number(number: float) -> str:
    if number.is_integer() and abs(number) < 2**63:
        return str(int(number))
    return str(struct.unpack("<q", struct.pack("<d", number))[0])


def _whole_numbers(column: Any, ops: Any) -> Any:
    """Return int64 for float64: whole numbers as they are, and the bits of all others."""
    number = ops.where(ops.isnan(column), np.float64(np.nan), column)  # NaN has many bit patterns
    is_whole = ops.logical_and(ops.equal(ops.floor(number), number), ops.less(ops.abs(number), np.float64(2**63)))
    whole = ops.cast(ops.where(is_whole, number, np.float64(0)), "int64")
    return ops.where(is_whole, whole, ops.view(number, dtype="int64"))
