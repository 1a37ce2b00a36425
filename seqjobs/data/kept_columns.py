"""KeptColumns: columns of new rows that are written beside their predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import pyarrow as pa

from seqjobs.data.new_rows import NewRows
from seqjobs.errors import DataError


@final
class KeptColumns:
    """With one type each, whatever the file. Raises DataError E404 where files have too different ones."""

    def __init__(self, rows: NewRows, names: Sequence[str]) -> None:
        schemas = [_plain(file.schema, names) for file in rows.files]
        try:
            self._schema = pa.unify_schemas(schemas, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            what = f"the files have different types of a column to keep: {error}"
            where = rows.files[0].source.where
            raise DataError("E404", what, where=where, fix="leave the column out of --keep.") from error

    def of(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Those of a batch."""
        arrays = [rows.column(field.name).cast(field.type) for field in self._schema]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _plain(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    """Without dictionaries, which each file has of its own."""
    found = {name: schema.field(name).type for name in names}
    return pa.schema(
        [(name, kind.value_type if pa.types.is_dictionary(kind) else kind) for name, kind in found.items()]
    )
