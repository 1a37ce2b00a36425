"""hash: a whole number that a value's hash tells, for an Embedding."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import final

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import Note, Operation, Values
from seqjobs.data.preprocess.categories import check_categories, distinct
from seqjobs.data.preprocess.sip_hash import sip_hash


@final
@dataclass(frozen=True, kw_only=True)
class Hash(Operation):
    """SipHash of the value's text, by the seed: what `keras.layers.Hashing(buckets, salt=seed)` makes of it.

    So a model can be exported with it. A fraction's text is that of the whole number that has its bits, as float64.
    """

    takes_stored = True

    buckets: int
    seed: int = 0

    @property
    def refuses_infinite(self) -> bool:
        return True

    def output(self, given: ColumnType) -> ColumnType:
        check_categories(given)
        return ColumnType(kind="integer", dtype="int32", shape=())

    def apply(self, values: Values, note: Note) -> Values:
        texts, rows, missing = distinct(values)
        note("null", missing)
        if isinstance(values, np.ndarray) or pa.types.is_floating(values.type):
            texts = [_of_number(float(text)) for text in texts]
        elif pa.types.is_boolean(values.type):
            texts = [str(int(text == "true")) for text in texts]
        encoded = [text.encode(errors="surrogatepass") for text in texts or [""]]
        hashes = sip_hash(encoded, (self.seed, self.seed))
        return (hashes % np.uint64(self.buckets)).astype(np.int32)[rows].reshape(-1, 1)


def _of_number(number: float) -> str:
    if number.is_integer() and abs(number) < 2**63:
        return str(int(number))
    return str(struct.unpack("<q", struct.pack("<d", number))[0])
