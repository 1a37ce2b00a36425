"""A folder in which a test writes Parquet files, and reads them as a job beside them would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import DataSchema, Dataset
from seqjobs.data.inspection.schema import inspect_data
from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError
from seqjobs.jobspec.data_section import DataSpec
from tests.fixtures.files import write_rows


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The target is `label` and the training rows are in `train.parquet` where a test says nothing else."""

    path: Path

    def write(self, columns: Mapping[str, Any] | pa.Table, name: str = "train.parquet", **options: Any) -> Path:
        return write_rows(self.path / name, columns, **options)

    def source(self, **spec: Any) -> DataSource:
        given = {"train": "train.parquet", "target": "label", **spec}
        return DataSource(id="0", spec=DataSpec.model_validate(given), folder=self.path)

    def read(self, **spec: Any) -> Dataset:
        return read_dataset(self.source(**spec))

    def inspect(self, **spec: Any) -> DataSchema:
        return inspect_data(self.source(**spec))

    def error(self, **spec: Any) -> DataError:
        with pytest.raises(DataError) as caught:
            read_dataset(self.source(**spec))
        return caught.value

    def inspect_error(self, **spec: Any) -> DataError:
        with pytest.raises(DataError) as caught:
            inspect_data(self.source(**spec))
        return caught.value


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(path=tmp_path)
