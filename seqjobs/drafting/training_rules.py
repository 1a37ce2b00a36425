"""propose_training: loss, metrics, epochs, batch size, and what trials are ranked by."""

from __future__ import annotations

from dataclasses import dataclass

from seqjobs.drafting.target_rules import Target
from seqjobs.errors.percentages import shown_percent

HELD_BACK = 0.2
TRIALS = 8
# With this seed, so few draws reach every width, whatever layer has the widths; with 0 nearly all are 32.
SEED = 13
# Up to so many rows -> epochs, batch size, patience. An epoch of small data is short; with large data each epoch
# brings more, and a batch has the same overhead whatever its size.
_PACES = ((2_000, 60, 32, 8), (20_000, 40, 64, 5), (100_000, 15, 128, 3), (None, 10, 512, 2))
# If the rarer class has a smaller share of the rows, accuracy means little.
_IMBALANCE = 0.3
_SMALL = 20_000
_LEAST_ROWS_TO_HOLD_BACK = 10

_LAST_FIFTH = (
    "The last fifth of the rows is held back for validation. If the rows are in the order of time, these are the "
    "latest; if they are sorted by the target, shuffle them first."
)
_SORTED = (
    "No rows are held back for validation: the last rows have other targets than the first, as in sorted files. "
    "Shuffle the rows and add `validation_split: 0.2` here, or add other rows as `data.validation`; then write `val_` "
    "before the metrics of EarlyStopping and objective. Until then, trials are ranked on rows they have trained on."
)
_TOO_FEW = "There are too few rows to hold any back for validation."


@dataclass(frozen=True, kw_only=True)
class Training:
    """The sections of a spec after `model`."""

    loss: str
    metrics: tuple[str, ...]
    rates: tuple[float, float]
    epochs: int
    batch_size: int
    patience: int
    validation_split: float
    """0 with rows to validate on, or if the last rows are unlike the others."""
    split_note: str
    monitor: str
    objective: str
    direction: str
    objective_note: str = ""


def propose_training(rows: int, target: Target, *, has_validation: bool, is_sorted: bool) -> Training:
    """Return how to train on so many rows.

    Args:
        rows: The number of training rows.
        target: What is predicted.
        has_validation: Whether there are rows to validate on.
        is_sorted: Whether the last rows have other targets than the rest.
    """
    epochs, batch_size, patience = next(pace for most, *pace in _PACES if most is None or rows <= most)
    is_held_back = not (has_validation or is_sorted or rows < _LEAST_ROWS_TO_HOLD_BACK)
    prefix = "val_" if has_validation or is_held_back else ""
    loss, metrics, objective, note = _measures(target)
    return Training(
        loss=loss,
        metrics=metrics,
        rates=(0.0003, 0.01) if rows > _SMALL and target.is_class else (0.001, 0.02),
        epochs=epochs,
        batch_size=batch_size,
        patience=patience,
        validation_split=HELD_BACK if is_held_back else 0.0,
        split_note="" if has_validation else _SORTED if is_sorted else _LAST_FIFTH if is_held_back else _TOO_FEW,
        monitor=f"{prefix}loss",
        objective=prefix + objective,
        direction="maximize" if target.is_class else "minimize",
        objective_note=note,
    )


def _measures(target: Target) -> tuple[str, tuple[str, ...], str, str]:
    """Return the loss, the metrics, the metric of the objective, and why."""
    if target.kind == "binary" and target.rarest < _IMBALANCE:
        note = f"{shown_percent(1 - target.rarest)} of the rows are of one class, so AUC shows more than accuracy"
        return "binary_crossentropy", ("accuracy", "AUC"), "auc", note
    if target.kind == "binary":
        return "binary_crossentropy", ("accuracy", "AUC"), "accuracy", ""
    if target.kind == "classes":
        return "sparse_categorical_crossentropy", ("accuracy",), "accuracy", ""
    return "mse", ("mae",), "loss", ""
