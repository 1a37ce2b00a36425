"""Preparation: how a row becomes features, as it is stored with a run for the rows that come later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from seqjobs.data.chain import Chain
from seqjobs.data.layout import Layout
from seqjobs.data.preparation_check import check_preparation


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """All columns with what they learned, in their order, and what the features are kept as."""

    chains: tuple[Chain, ...]
    feature_shape: tuple[int, ...]
    feature_dtype: str
    scale: tuple[float, ...] | None
    """A factor for all numbers of a row, or one for each; as float32 has them."""

    @classmethod
    def of(cls, layout: Layout) -> Self:
        return cls(
            chains=tuple(column.chain for column in layout.columns),
            feature_shape=layout.feature_shape,
            feature_dtype=layout.feature_dtype,
            scale=None if layout.scale is None else tuple(layout.scale.reshape(-1).tolist()),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": [chain.to_json() for chain in self.chains],
            "feature_shape": list(self.feature_shape),
            "feature_dtype": self.feature_dtype,
            "scale": None if self.scale is None else list(self.scale),
        }

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError for what `to_json` has not made."""
        preparation = cls(
            chains=tuple(map(Chain.from_json, tree["columns"])),
            feature_shape=tuple(tree["feature_shape"]),
            feature_dtype=tree["feature_dtype"],
            scale=None if tree["scale"] is None else tuple(tree["scale"]),
        )
        check_preparation(preparation.chains, preparation.feature_shape, preparation.feature_dtype, preparation.scale)
        return preparation
