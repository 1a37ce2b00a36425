"""FinishedModel: all that makes predictions of rows, on its way to a worker."""

from __future__ import annotations

from dataclasses import dataclass

from seqjobs.data.dataset import Array
from seqjobs.data.preparation import Preparation
from seqjobs.planning.trial import Trial


@dataclass(frozen=True, kw_only=True)
class FinishedModel:
    """A trial's model with its weights, and how rows become its features."""

    trial: Trial
    weights: tuple[Array, ...]
    digest: str
    """Of the weights."""
    preparation: Preparation
    classes: tuple[str, ...] | None
    """The strings behind the indices of a string target, in order."""
