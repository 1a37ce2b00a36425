"""data_files: the files of a dataset, each with its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from seqjobs.data.data_file import DataFile
from seqjobs.data.data_source import DataSource
from seqjobs.data.formats.text_types import WIDENING
from seqjobs.data.partitions import folders_below, partition_texts, typed
from seqjobs.data.source_file import SourceFile
from seqjobs.data.stores import files_in_store
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import MOST_SUGGESTED, did_you_mean, shown
from seqjobs.jobspec.data_files import find_files_of_each, format_name, scheme_of, shown_path
from seqjobs.jobspec.data_section import StorageSpec


def data_files(source: DataSource) -> tuple[tuple[DataFile, ...], tuple[DataFile, ...] | None]:
    """Return the files of training and those of validation. Raises DataError if one cannot be read."""
    spec, folder = source.spec, source.folder
    paths = [spec.train, *([] if spec.validation is None else [spec.validation])]
    found = [list(_found(texts, folder, spec.storage or StorageSpec())) for texts in paths]
    partitions = typed([partition_texts(below) for _, below in chain(*found)])
    sources = [source for source, _ in chain(*found)]
    files = [DataFile.open(*file, spec) for file in zip(sources, partitions, strict=True)]
    _check_types(files, spec.types)
    files = _unified(files)
    num_train = len(found[0])
    return tuple(files[:num_train]), None if spec.validation is None else tuple(files[num_train:])


def files_with_types(source: DataSource, types: Mapping[str, str]) -> tuple[DataFile, ...]:
    """Return the files of `data.train`; `types` are those of columns of CSV files, if they have such columns.

    `types` replace `data.types`, whose columns must all be there. Raises DataError.
    """
    spec = source.spec
    specs = {is_csv: spec.model_copy(update={"types": dict(types) if is_csv else {}}) for is_csv in (False, True)}
    found = list(_found(spec.train, source.folder, spec.storage or StorageSpec()))
    partitions = typed([partition_texts(below) for _, below in found])
    files = [
        DataFile.open(file, partition, specs[format_name(file.path.name) == "csv"])
        for (file, _), partition in zip(found, partitions, strict=True)
    ]
    return tuple(_unified(files))


def _found(texts: tuple[str, ...], folder: Path, storage: StorageSpec) -> Iterator[tuple[SourceFile, tuple[str, ...]]]:
    """Yield the files of the paths, in their order, each with its folders below the fixed part of the path."""
    local = find_files_of_each(tuple(text for text in texts if scheme_of(text) is None), folder)
    seen: set[str] = set()
    for text in texts:
        if text in local:
            for path in local[text]:
                source = SourceFile(path=path, name=shown_path(path, folder))
                yield source, folders_below(path, text, folder)
            continue
        for source, below in files_in_store(text, storage):
            if source.name in seen:
                raise DataError("E401", "this file is named twice", where=source.where, fix="name it once.")
            seen.add(source.name)
            yield source, below


def _check_types(files: Sequence[DataFile], types: Mapping[str, str]) -> None:
    """Raises DataError: E402 if a type is given for a column that is not there, E209 if no file is text."""
    if not types:
        return
    text = [file for file in files if file.is_text]
    if not text:
        what = "data.types is set, but no file is CSV or JSON lines; all other formats store their types"
        raise DataError("E209", what, where="data.types", fix="remove it.")
    known = text[0].schema.names
    for name in types:
        if name not in known:
            fix = did_you_mean(name, [printable(column) for column in known], MOST_SUGGESTED)
            where = printable(text[0].name)
            raise DataError("E402", f"data.types has column {shown(name)}, which does not exist", where=where, fix=fix)


def _unified(files: Sequence[DataFile]) -> list[DataFile]:
    """Return the files, with one type per column in all text files: `1` and `1.5` in two files are both numbers."""
    widest: dict[str, pa.DataType] = {}
    negative: set[str] = set()
    for file in files:
        negative |= file.own.negative
        for field in file.own.schema if file.is_text else ():
            widest[field.name] = _wider(widest.get(field.name, field.type), field.type)
    for name in negative:
        if pa.types.is_uint64(widest[name]):
            widest[name] = pa.float64()
    return [file.with_schema(_with_types(file.own.schema, widest)) if file.is_text else file for file in files]


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one in WIDENING and other in WIDENING:
        return max(one, other, key=WIDENING.index)
    return other if pa.types.is_null(one) else one


def _with_types(schema: pa.Schema, types: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(field.name, _wider(field.type, types[field.name])) for field in schema])
