"""codes_of: values as whole numbers, equal where the values are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.dataset import Array


def codes_of(column: pa.ChunkedArray) -> Array:
    """One number a row (rows,) from 0 on; nulls have one of their own."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    whole = column.combine_chunks()
    whole = whole if isinstance(whole, pa.Array) else whole.chunk(0)
    encoded = pc.dictionary_encode(whole, null_encoding="encode")
    return np.asarray(encoded.indices, np.int64)
