"""NewRows: the files of rows that came after training, found to have what a model takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from seqjobs.data.data_file import DataFile
from seqjobs.data.data_files import files_with_types
from seqjobs.data.new_features import new_layout
from seqjobs.data.place import Place
from seqjobs.data.preparation import Preparation
from seqjobs.data.survey import check_columns, num_rows
from seqjobs.data.training_rows import Located, located
from seqjobs.errors import DataError
from seqjobs.operations.column_type import ColumnType
from seqjobs.planning.plan import DataSource
from seqjobs.spec.data_section import DataSpec, checked_paths

# What is worth a call of a worker, and little beside what TensorFlow itself holds.
BATCH_BYTES = 4 << 20
MAX_BATCH_ROWS = 65_536


def new_source(source: DataSource, paths: Sequence[str], folder: Path) -> DataSource:
    """Other rows that are read as those of a run were: the same kind of CSV, the same store.

    Paths start from `folder`. Raises DataError (E401, E707, E709) for what is no path of data.
    """
    spec = source.spec.model_copy(update={"train": checked_paths(paths), "validation": None})
    return replace(source, spec=spec, folder=folder, validation_split=0.0)


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """The rows of files, in their order. Make it with `find`."""

    files: tuple[DataFile, ...]
    columns: tuple[str, ...]
    """Those that are read, the columns of features first."""
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
        """Looks at the files; `others` are columns to read beside the features, `texts` those that hold strings.

        Raises DataError: E401 files not found, E402 columns not found, E403 columns of another type, E406 no rows,
        and those of files that cannot be read.
        """
        names = tuple(chain.name for chain in preparation.chains)
        columns = tuple(dict.fromkeys((*names, *others)))
        files = files_with_types(source, _types(source.spec, preparation, columns, texts))
        for file in files:
            check_columns(columns, file)
            new_layout(preparation, file.schema, file.name)
        if not num_rows(files):
            raise DataError("E406", "there are no rows", where=files[0].source.where, fix="name files that have rows.")
        return cls(files=files, columns=columns, features=names, batch_rows=_batch_rows(preparation))

    @property
    def rows(self) -> int:
        return num_rows(self.files)

    @property
    def num_batches(self) -> int:
        """How many there are at least."""
        return -(-self.rows // self.batch_rows)

    def batches(self) -> Iterator[Located]:
        """All rows with the columns in order, and where each batch comes from. Raises DataError."""
        for batch, place in located(self.files, self.columns, self.batch_rows):
            yield batch.select(list(self.columns)), place


@dataclass(frozen=True, kw_only=True)
class NewBatch:
    """Some rows on their way to a worker."""

    rows: pa.RecordBatch
    """With the columns of features."""
    place: Place
    checks_only: bool = False
    """Whether to look for rows that are wrong and predict nothing, since others were."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrow pickles all of the memory that a batch is a slice of.
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.rows.schema) as writer:
            writer.write_batch(self.rows)
        return _unpacked, (sink.getvalue().to_pybytes(), self.place, self.checks_only)


def _unpacked(content: bytes, place: Place, checks_only: bool) -> NewBatch:
    with pa.ipc.open_stream(content) as reader:
        return NewBatch(rows=reader.read_next_batch(), place=place, checks_only=checks_only)


def _batch_rows(preparation: Preparation) -> int:
    def numbers(found: ColumnType) -> int:
        return 1 if found.shape is None else found.width

    width = sum(max(numbers(chain.given), numbers(chain.output)) for chain in preparation.chains)
    return max(1, min(MAX_BATCH_ROWS, BATCH_BYTES // (4 * width)))


def _types(spec: DataSpec, preparation: Preparation, columns: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """The types of CSV columns: those of the run's spec, and text wherever it was text."""
    strings = [chain.name for chain in preparation.chains if chain.given.kind == "string" and chain.given.shape == ()]
    told = {name: kind for name, kind in spec.types.items() if name in columns}
    return {**told, **dict.fromkeys((*strings, *texts), "string")}
