"""plain_texts: text as all of seqjobs takes it: UTF-8, and null only where a row says so."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import is_string
from seqjobs.data.formats.arrow_errors import damaged, first_line
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown


def plain_texts(batch: pa.RecordBatch, source: SourceFile, first_row: int, *, repair: bool = False) -> pa.RecordBatch:
    """Return the batch with plain columns of text.

    A dictionary may hold a null as one of its values, and Arrow's functions do not agree on what such a row is. Most
    readers do not check that the bytes of a text are UTF-8.

    Args:
        batch: Rows of a file.
        source: The file.
        first_row: The number of the batch's first row in the file.
        repair: Whether to replace bytes that are not UTF-8, as `bytes.decode(errors="replace")` does.

    Raises:
        DataError: E410 for text that is not UTF-8.
    """
    for index, field in enumerate(batch.schema):
        if not is_string(field.type):
            continue
        column = batch.column(index)
        try:
            plain = _without_null_values(column)
            _texts_of(plain).validate(full=True)
        except pa.ArrowInvalid as error:
            if not repair:
                raise _not_utf8(column, field.name, source, first_row, error) from error
            plain = _repaired(column)
        if plain is not column:
            batch = batch.set_column(index, field.name, plain)
    return batch


def _without_null_values(column: pa.Array) -> pa.Array:
    if pa.types.is_string_view(column.type):  # several of Arrow's functions do not know it
        return column.cast(pa.large_string())
    if not pa.types.is_dictionary(column.type):
        return column
    dictionary, indices = column.dictionary, column.indices
    # That of a whole file is larger than the rows that are read at a time, which would each time look at all of it.
    if not dictionary.null_count and len(dictionary) <= len(column):
        return column
    if dictionary.null_count:
        indices = pc.if_else(dictionary.is_valid().take(indices), indices, pa.scalar(None, indices.type))
    # Not by decoding: a few rows may stand for more text than memory holds.
    used = indices.drop_null().unique()
    places = pc.index_in(indices, value_set=used).cast(indices.type)  # batches of a file have one type
    return pa.DictionaryArray.from_arrays(places, dictionary.take(used), ordered=column.type.ordered)


def _texts_of(column: pa.Array) -> pa.Array:
    """Return the distinct values of a dictionary, or the values of another column."""
    return column.dictionary if pa.types.is_dictionary(column.type) else column


def _not_utf8(column: pa.Array, name: str, source: SourceFile, first_row: int, error: pa.ArrowInvalid) -> DataError:
    texts = _texts_of(column)
    wrong = next((place for place, text in enumerate(texts) if not _is_utf8(text)), None)
    if wrong is None:
        return damaged(source, "data", first_line(error))
    rows = [wrong] if texts is column else np.flatnonzero(np.asarray(pc.fill_null(column.indices, -1)) == wrong)
    where = f"row {first_row + int(rows[0]):,}" if len(rows) else "a value that no row has"
    what = f"column {shown(name)} has text that is not UTF-8 in {where}"
    return DataError("E410", what, where=source.where, fix="write the file again with UTF-8 text.")


def _is_utf8(text: pa.Scalar) -> bool:
    try:
        text.as_py()
    except UnicodeDecodeError:
        return False
    return True


def _repaired(column: pa.Array) -> pa.Array:
    content = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    content = content.cast(pa.large_string()).cast(pa.large_binary())
    return pa.array([text if text is None else text.decode(errors="replace") for text in content.to_pylist()])
