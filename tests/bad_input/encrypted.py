"""An encrypted Parquet file, with keys that are of no use to anyone."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet import encryption


class _OpenKeys(encryption.KmsClient):  # type: ignore[misc] # pyarrow has no types
    """Wraps a key by writing it down."""

    def __init__(self, _: Any) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, _: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, _: str) -> bytes:
        return base64.b64decode(wrapped_key)


def write(path: Path, *, plaintext_footer: bool) -> None:
    """Encrypts the column `x`, and the footer if it is not to stay readable."""
    table = pa.table({"label": [0, 1, 2], "x": [1.0, 2.0, 3.0]})
    keys = encryption.EncryptionConfiguration(
        footer_key="key", column_keys={"key": ["x"]}, plaintext_footer=plaintext_footer
    )
    properties = encryption.CryptoFactory(_OpenKeys).file_encryption_properties(encryption.KmsConnectionConfig(), keys)
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
