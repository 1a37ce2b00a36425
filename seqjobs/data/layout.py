"""Layout: which column of the files stands where in the arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal

import numpy as np

from seqjobs.data.chain import Chain
from seqjobs.data.column_mistakes import ColumnMistake, ColumnsError, Use
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.jobspec.column_spec import ColumnSpec
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.operations.arrays import Array
from seqjobs.operations.column_type import ColumnType

TargetKind = Literal["integer", "number", "string"]


@dataclass(frozen=True, kw_only=True)
class FeatureColumn:
    """A column and its place among a row's features: from `start`, `width` numbers."""

    chain: Chain
    """What is done to it; of width known."""
    start: int
    trained: Chain | None = None
    """The chain as training had it, for new rows of a column whose values are looked up."""

    @property
    def name(self) -> str:
        return self.chain.name

    @cached_property
    def type(self) -> ColumnType:
        """What it holds as a feature."""
        return self.chain.output

    @cached_property
    def width(self) -> int:
        return self.type.width


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How rows become arrays: features (rows, *feature_shape), target (rows,) or (rows, target_width)."""

    columns: tuple[FeatureColumn, ...]
    feature_shape: tuple[int, ...]
    feature_dtype: str
    scale: Array | None
    target: str
    target_type: ColumnType
    weight: str | None
    """The column of the rows' weights."""

    @property
    def width(self) -> int:
        return math.prod(self.feature_shape)

    @property
    def target_kind(self) -> TargetKind:
        if self.target_type.kind == "string":
            return "string"
        # A list of integers, as of flags, is compared number by number; only a single one can be a class.
        return "number" if self.target_type.kind == "float" or self.target_type.shape else "integer"

    @property
    def feature_bytes(self) -> int:
        """Of one row's features."""
        return self.width * np.dtype(self.feature_dtype).itemsize

    @property
    def row_bytes(self) -> int:
        """Memory of one row of all arrays."""
        others = self.target_type.width + (self.weight is not None)
        return self.feature_bytes + others * 4


def make_layout(spec: DataSpec, chains: Sequence[Chain], target: ColumnType) -> Layout:
    """The layout of the feature columns, of which the shapes are known, and of the target, whose type that is.

    Raises DataError: E416 for a `shape` that does not fit, or a factor that float32 cannot hold, and E403 for a target
    of tensors.
    """
    mistakes = list(layout_mistakes(spec, chains, target))
    if mistakes:
        raise ColumnsError(mistakes)
    specs = _specs(spec, chains)
    starts = accumulate((chain.output.width for chain in chains), initial=0)
    columns = tuple(FeatureColumn(chain=chain, start=start) for chain, start in zip(chains, starts, strict=False))
    return Layout(
        columns=columns,
        feature_shape=_feature_shape(columns, specs),
        feature_dtype=_dtype(column.type for column in columns),
        scale=_scale(columns, specs),
        target=spec.target,
        target_type=target,
        weight=spec.sample_weight,
    )


def layout_mistakes(spec: DataSpec, chains: Sequence[Chain], target: ColumnType | None) -> Iterator[ColumnMistake]:
    """Yield what is wrong with shapes, factors and the target, as far as they are known."""
    for chain, column_spec in zip(chains, _specs(spec, chains), strict=True):
        shape = _shape_error(chain, column_spec, alone=len(chains) == 1)
        for found in (shape, _factor_error(chain, column_spec)):
            if found is not None:
                use: Use = "shape" if found is shape else "feature"
                yield ColumnMistake(error=found, use=use, column=chain.name)
    if target is not None and target.shape is not None and len(target.shape) > 1:
        held = f"has tensors of shape {list(target.shape)}, and a target is one row of numbers"
        what, fix = f"target {shown(spec.target)} {held}", "store it as lists of one length."
        error = DataError("E403", what, where="data.target", fix=fix)
        yield ColumnMistake(error=error, use="target", column=spec.target)


def _specs(spec: DataSpec, chains: Sequence[Chain]) -> list[ColumnSpec]:
    given = spec.features or {}
    return [given.get(chain.name, ColumnSpec()) for chain in chains]


def _feature_shape(columns: Sequence[FeatureColumn], specs: Sequence[ColumnSpec]) -> tuple[int, ...]:
    if len(columns) > 1:
        return (sum(column.width for column in columns),)
    return specs[0].shape or columns[0].type.shape or (1,)


def _shape_error(chain: Chain, spec: ColumnSpec, *, alone: bool) -> DataError | None:
    if spec.shape is None or chain.output.shape is None:
        return None
    where = f"data.features.{chain.name}.shape"
    if math.prod(spec.shape) != chain.output.width:
        held = f"holds {math.prod(spec.shape)} numbers, column {shown(chain.name)} has {chain.output.width}"
        what = f"shape {list(spec.shape)} {held}"
        return DataError("E416", what, where=where, fix="give a shape whose product is the column's width.")
    if not alone and len(spec.shape) > 1:
        what = f"shape {list(spec.shape)} is lost, because several feature columns are joined to one row of numbers"
        return DataError("E416", what, where=where, fix="leave the shape out, or make this the only feature column.")
    return None


def _factor_error(chain: Chain, spec: ColumnSpec) -> DataError | None:
    if abs(_factor(spec)) <= float(np.finfo(np.float32).max):
        return None
    where = f"data.features.{chain.name}.rescale"
    return DataError("E416", f"the factor {spec.rescale} is beyond float32", where=where, fix="choose a smaller one.")


def _dtype(types: Iterable[ColumnType]) -> str:
    found = {(column.kind, column.dtype) for column in types}
    if found == {("integer", "uint8")}:
        return "uint8"
    return "float32" if any(kind == "float" for kind, _ in found) else "int32"


def _scale(columns: Sequence[FeatureColumn], specs: Sequence[ColumnSpec]) -> Array | None:
    factors = [_factor(spec) for spec in specs]
    if len(set(factors)) > 1:
        return np.repeat(np.array(factors, np.float32), [column.width for column in columns])
    return None if factors[0] == 1 else np.array(factors[0], np.float32)


def _factor(spec: ColumnSpec) -> float:
    return 1.0 if spec.rescale is None else spec.rescale
