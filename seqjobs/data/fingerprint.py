"""fingerprint: a digest of what a dataset holds, however its files are cut, ordered in columns, or compressed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from seqjobs.data.dataset import Array, Split
from seqjobs.data.layout import Layout
from seqjobs.data.streamed.stored_rows import StoredRows


def fingerprint(layout: Layout, classes: Sequence[str] | None, train: Split, validation: Split | None) -> str:
    """SHA-256, in hex, of a JSON line that tells names, classes and the arrays' types and shapes, then of their bytes.

    Bytes are little-endian, row by row: training features, target and weights, the same of the validation, scale.
    """
    splits = [train] if validation is None else [train, validation]
    parts = [part for split in splits for part in (split.features, split.target, split.weight)]
    arrays = [part for part in parts if part is not None]
    arrays += [] if layout.scale is None else [layout.scale]
    header = {
        "columns": [column.name for column in layout.columns],
        "target": layout.target,
        "classes": None if classes is None else list(classes),
        "has_validation": validation is not None,
        "has_scale": layout.scale is not None,
        "arrays": [[array.dtype.name, list(array.shape)] for array in arrays],
    }
    # Only where there is one: what was fingerprinted without weights keeps its fingerprint.
    if layout.weight is not None:
        header["weight"] = layout.weight
    found = hashlib.sha256(json.dumps(header, separators=(",", ":")).encode() + b"\n")
    for array in arrays:
        stored: object = array
        for part in stored.in_chunks() if isinstance(stored, StoredRows) else [array]:
            found.update(_bytes(part))
    return found.hexdigest()


def _bytes(array: Array) -> memoryview:
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    return little.reshape(-1).view("uint8").data
