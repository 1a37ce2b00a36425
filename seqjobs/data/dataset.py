"""Dataset: decoded rows in memory, as a worker maps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqjobs.operations.arrays import Array

if TYPE_CHECKING:
    from seqjobs.data.data_source import DataSource
    from seqjobs.data.layout import TargetKind
    from seqjobs.data.preparation import Preparation

__all__ = ["Array", "DataSchema", "Dataset", "Split"]


@dataclass(frozen=True, kw_only=True)
class DataSchema:
    """What the files' footers tell without reading a row."""

    feature_shape: tuple[int, ...]
    feature_dtype: str
    """What features are kept as in memory: uint8, int32 or float32."""
    target_kind: TargetKind
    """integer for single integers or booleans, string for strings, number for floats and for lists of any numbers."""
    target_width: int
    """Numbers in one row's target: 1 for a scalar column."""
    train_rows: int
    validation_rows: int | None
    memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Split:
    """Rows of one split; arrays may be read-only views of shared memory.

    Of streamed data `features` are StoredRows, which give rows by slices and numbers as an array does.
    """

    features: Array  # (rows, *feature_shape), dtype as stored
    target: Array  # (rows,) or (rows, target_width): int32 indices of classes or integers, or float32
    weight: Array | None = None  # (rows,) float32, from 0 on; None where no column has weights

    def __len__(self) -> int:
        return int(self.target.shape[0])

    def part(self, rows: slice) -> Split:
        """Some of the rows, none of them copied or read."""
        features: Any = self.features
        return Split(
            features=features[rows] if isinstance(features, np.ndarray) else features.part(rows),
            target=self.target[rows],
            weight=None if self.weight is None else self.weight[rows],
        )


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset of a run. Features stay as stored; `scale` is applied when a batch is made."""

    schema: DataSchema
    source: DataSource
    """What it was read from."""
    train: Split
    validation: Split | None
    scale: Array | None  # float32, () or broadcast against feature_shape; None where nothing is rescaled
    classes: tuple[str, ...] | None
    """The strings behind the indices of a string target, in order; None for numbers."""
    num_classes: int | None
    """Classes of an integer or string target: the largest index of either split + 1.

    None for other targets and where an integer is negative: such a target can only be predicted as a number.
    """
    preparation: Preparation
    """How rows became features."""
    fingerprint: str
    """SHA-256 of the decoded content: columns' names, classes, types, shapes, every row in order, weights and scale.

    The same rows give the same fingerprint in one file or many, and however they are compressed.
    """
    warnings: tuple[str, ...] = ()
    """What is suspicious in the rows, a sentence each; see `inspection.row_warnings`."""
    empty_classes: tuple[int, ...] = ()
    """Classes of an integer target, below `num_classes`, that no training row has."""
    feature_range: tuple[float, float] | None = None
    """The least and the largest feature of both splits, rescaled; only where a trial takes features as indices."""
