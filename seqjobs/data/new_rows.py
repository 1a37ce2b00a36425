"""NewRows: files with rows for a trained model, checked to have the columns that the model needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, final

import pyarrow as pa

from seqjobs.data.data_file import DataFile
from seqjobs.data.data_files import files_with_types
from seqjobs.data.data_source import DataSource
from seqjobs.data.new_features import new_layout
from seqjobs.data.place import Place
from seqjobs.data.preparation import Preparation
from seqjobs.data.survey import check_columns, check_exact, num_rows
from seqjobs.data.training_rows import Located, located
from seqjobs.errors import DataError
from seqjobs.jobspec.data_section import DataSpec, checked_paths
from seqjobs.operations.column_type import ColumnType

# Enough for a call of a worker, and little next to the memory of TensorFlow itself.
BATCH_BYTES = 4 << 20
MAX_BATCH_ROWS = 65_536


def new_source(source: DataSource, paths: Sequence[str], folder: Path) -> DataSource:
    """Return the source of other rows, which are read as those of a run were: the same kind of CSV, the same store.

    Paths start from `folder`. Raises DataError (E401, E707, E709) for a path that a spec may not have either.
    """
    spec = source.spec.model_copy(update={"train": checked_paths(paths), "validation": None})
    return replace(source, spec=spec, folder=folder, validation_split=0.0)


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """The rows of files, in their order. Create it with `find`."""

    files: tuple[DataFile, ...]
    columns: tuple[str, ...]
    """The columns that are read, features first."""
    features: tuple[str, ...]
    batch_rows: int

    @classmethod
    def find(
        cls,
        source: DataSource,
        preparation: Preparation,
        others: Sequence[str] = (),
        *,
        texts: Sequence[str] = (),
    ) -> Self:
        """Check the files; `others` are columns to read in addition to the features, `texts` those with strings.

        Raises DataError: E401 files not found, E402 columns not found, E420 columns of another type, E406 no rows,
        and those of files that cannot be read.
        """
        names = tuple(chain.name for chain in preparation.chains)
        columns = tuple(dict.fromkeys((*names, *others)))
        types = _types(source.spec, preparation, columns, texts)
        files = files_with_types(source, types)
        inexact = {name for file in files for name in file.inexact if name in others and name not in names}
        if inexact:  # such as a long ID, which is kept as it is written
            files = files_with_types(source, {**types, **dict.fromkeys(inexact, "string")})
        for file in files:
            check_columns(names, file, needed_by="the model")
            check_columns(others, file)
            new_layout(preparation, file.schema, file.name)
        check_exact(preparation.chains, files, fix="write column {} as it was for training.")
        if not num_rows(files):
            raise DataError("E406", "there are no rows", where=files[0].source.where, fix="name files that have rows.")
        return cls(files=files, columns=columns, features=names, batch_rows=_batch_rows(preparation))

    @property
    def rows(self) -> int:
        return num_rows(self.files)

    @property
    def num_batches(self) -> int:
        """The least number of batches."""
        return -(-self.rows // self.batch_rows)

    def batches(self) -> Iterator[Located]:
        """Yield all rows, with the columns in order, and the place of each batch. Raises DataError."""
        for batch, place in located(self.files, self.columns, self.batch_rows):
            yield batch.select(list(self.columns)), place


@dataclass(frozen=True, kw_only=True)
class NewBatch:
    """Rows that are sent to a worker."""

    rows: pa.RecordBatch
    """The columns of the features."""
    place: Place
    checks_only: bool = False
    """Whether to count wrong rows and predict nothing, because earlier rows were wrong."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrow would pickle all of the memory that the batch is a slice of.
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.rows.schema) as writer:
            writer.write_batch(self.rows)
        return _unpacked, (sink.getvalue().to_pybytes(), self.place, self.checks_only)


def _unpacked(content: bytes, place: Place, checks_only: bool) -> NewBatch:
    with pa.ipc.open_stream(content) as reader:
        return NewBatch(rows=reader.read_next_batch(), place=place, checks_only=checks_only)


@final
class KeptColumns:
    """Columns of new rows that are written next to their predictions, with one type each in all files.

    Raises DataError (E404) if the types of a column are too different.
    """

    def __init__(self, rows: NewRows, names: Sequence[str]) -> None:
        schemas = [_plain(file.schema, names) for file in rows.files]
        try:
            self._schema = pa.unify_schemas(schemas, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            what = f"the files have different types of a column to keep: {error}"
            where = rows.files[0].source.where
            raise DataError("E404", what, where=where, fix="leave the column out of --keep.") from error

    def of(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return the columns of a batch."""
        arrays = [rows.column(field.name).cast(field.type) for field in self._schema]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _plain(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    """Return the types of columns as they are written."""
    return pa.schema([(name, _plain_type(schema.field(name).type)) for name in names])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type without dictionaries, which each file has of its own, and views, which few formats hold."""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if pa.types.is_binary_view(kind) else kind


def _batch_rows(preparation: Preparation) -> int:
    def numbers(found: ColumnType) -> int:
        return 1 if found.shape is None else found.width

    width = sum(max(numbers(chain.given), numbers(chain.output)) for chain in preparation.chains)
    return max(1, min(MAX_BATCH_ROWS, BATCH_BYTES // (4 * width)))


def _types(spec: DataSpec, preparation: Preparation, columns: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """Return the types of CSV columns: those of the run's spec, and string for columns that were strings."""
    strings = [chain.name for chain in preparation.chains if chain.given.kind == "string" and chain.given.shape == ()]
    told = {name: kind for name, kind in spec.types.items() if name in columns}
    return {**told, **dict.fromkeys((*strings, *texts), "string")}
