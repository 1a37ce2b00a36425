"""DataSource: what a run reads as one dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from seqjobs.jobspec.data_section import DataSpec


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """One dataset of a run: what to read, and the folder that its relative paths start from.

    `id` says what the spec says of the data, and not where the folder is: so a run is found again after a move.
    """

    id: str
    spec: DataSpec
    folder: Path
    validation_split: float = 0.0
    """The fraction of the training rows that operations learn nothing from; 0 where none learns anything."""
    held_back: float = field(default=0.0, compare=False)
    """The largest fraction of the training rows that a trial validates on; 0 if `data.validation` is given."""
    is_indexed: bool = field(default=False, compare=False)
    """Whether a trial's first layer is an Embedding, which takes the features as indices."""
