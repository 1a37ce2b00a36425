"""data_files: the files of a dataset, each with its schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from seqjobs.data.data_file import DataFile
from seqjobs.data.partitions import partition_texts, typed
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError
from seqjobs.planning.plan import DataSource
from seqjobs.spec.problems import did_you_mean, shown
from seqjobs.storage.files import find_files, printable, shown_path

# Of text, whose types are guessed from what is in one file: the wider ones behind.
_WIDENING = (pa.null(), pa.int64(), pa.float64())


def data_files(source: DataSource) -> tuple[tuple[DataFile, ...], tuple[DataFile, ...] | None]:
    """The files of training and those of validation. Raises DataError for those that cannot be read."""
    spec, folder = source.spec, source.folder
    paths = [spec.train, *([] if spec.validation is None else [spec.validation])]
    found = [(path, texts) for texts in paths for path in find_files(texts, folder)]
    partitions = typed([partition_texts(path, texts, folder) for path, texts in found])
    files = [
        DataFile.open(SourceFile(path=path, name=shown_path(path, folder)), spec, partition)
        for (path, _), partition in zip(found, partitions, strict=True)
    ]
    _check_types(files, spec.types)
    files = _unified(files)
    num_train = sum(texts is spec.train for _, texts in found)
    return tuple(files[:num_train]), None if spec.validation is None else tuple(files[num_train:])


def _check_types(files: Sequence[DataFile], types: Mapping[str, str]) -> None:
    """Raises DataError: E402 where a type is given for no column, E403 where no file is text."""
    if not types:
        return
    text = [file for file in files if file.is_text]
    if not text:
        what = "the types of columns are given, and no file is text: the others tell their types themselves"
        raise DataError("E403", what, where="data.types", fix="remove it.")
    known = text[0].schema.names
    for name in types:
        if name not in known:
            fix = did_you_mean(name, [printable(column) for column in known])
            where = printable(text[0].name)
            raise DataError("E402", f"data.types has column {shown(name)}, which is not there", where=where, fix=fix)


def _unified(files: Sequence[DataFile]) -> list[DataFile]:
    """The files, those of text with one type a column: `1` in one file and `1.5` in the other are numbers."""
    widest: dict[str, pa.DataType] = {}
    for file in files:
        for field in file.own.schema if file.is_text else ():
            widest[field.name] = _wider(widest.get(field.name, field.type), field.type)
    return [file.with_schema(_with_types(file.own.schema, widest)) if file.is_text else file for file in files]


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one in _WIDENING and other in _WIDENING:
        return max(one, other, key=_WIDENING.index)
    return other if pa.types.is_null(one) else one


def _with_types(schema: pa.Schema, types: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(field.name, _wider(field.type, types[field.name])) for field in schema])
