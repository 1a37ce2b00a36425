"""hash: a whole number that a value's hash tells, for an Embedding."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import Note, Operation, Values
from seqjobs.data.preprocess.categories import check_categories, distinct


@final
@dataclass(frozen=True, kw_only=True)
class Hash(Operation):
    """BLAKE2b of the value's text: the same on every machine, which Python's own hash is not."""

    takes_stored = True

    buckets: int
    seed: int = 0

    def output(self, given: ColumnType) -> ColumnType:
        check_categories(given)
        return ColumnType(kind="integer", dtype="int32", shape=())

    def apply(self, values: Values, note: Note) -> Values:
        texts, rows, missing = distinct(values)
        note("null", missing)
        mapping = np.array([self._bucket(text) for text in texts] or [0], np.int32)
        return mapping[rows].reshape(-1, 1)

    def _bucket(self, text: str) -> int:
        salt = self.seed.to_bytes(16, "little")
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8, salt=salt).digest()
        return int.from_bytes(digest, "little") % self.buckets
