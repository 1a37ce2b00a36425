"""training_for: loss, metrics, epochs, batches, and by what trials are ranked."""

from __future__ import annotations

from dataclasses import dataclass

from seqjobs.drafting.target_rules import Target

HELD_BACK = 0.2
TRIALS = 8
# Under which so few draws fall on every width, wherever the layer with the widths stands; under 0 nearly all are 32.
SEED = 13
# Up to so many rows -> epochs, rows in a batch, patience. Small data is soon through an epoch; of large data each
# brings more, and a batch costs the same overhead whatever it holds.
_PACES = ((2_000, 60, 32, 8), (20_000, 40, 64, 5), (100_000, 15, 128, 3), (None, 10, 512, 2))
# Below this share of rows of the rarer class, accuracy flatters.
_IMBALANCE = 0.3
_SMALL = 20_000
_LEAST_HELD_BACK = 10


@dataclass(frozen=True, kw_only=True)
class Training:
    loss: str
    metrics: tuple[str, ...]
    rates: tuple[float, float]
    epochs: int
    batch_size: int
    patience: int
    validation_split: float
    """0 where there are rows to validate on, or where the last ones are unlike the others."""
    split_note: str
    monitor: str
    objective: str
    direction: str
    objective_note: str


def training_for(rows: int, target: Target, *, has_validation: bool, is_sorted: bool) -> Training:
    epochs, batch_size, patience = next(pace for most, *pace in _PACES if most is None or rows <= most)
    split = 0.0 if has_validation or is_sorted or rows < _LEAST_HELD_BACK else HELD_BACK
    prefix = "val_" if has_validation or split else ""
    loss, metrics, objective, note = _judged_by(target)
    return Training(
        loss=loss,
        metrics=metrics,
        rates=(0.0003, 0.01) if rows > _SMALL and target.is_class else (0.001, 0.02),
        epochs=epochs,
        batch_size=batch_size,
        patience=patience,
        validation_split=split,
        split_note=_split_note(has_validation=has_validation, is_sorted=is_sorted, is_held_back=bool(split)),
        monitor=f"{prefix}loss",
        objective=prefix + objective,
        direction="maximize" if target.is_class else "minimize",
        objective_note=note,
    )


def _judged_by(target: Target) -> tuple[str, tuple[str, ...], str, str]:
    """Loss, metrics, the objective's metric, and why."""
    if target.kind == "yes or no":
        if target.rarest < _IMBALANCE:
            note = f"{1 - target.rarest:.0%} of the rows have one class, so accuracy flatters"
            return "binary_crossentropy", ("accuracy", "AUC"), "auc", note
        return "binary_crossentropy", ("accuracy", "AUC"), "accuracy", ""
    if target.kind == "classes":
        return "sparse_categorical_crossentropy", ("accuracy",), "accuracy", ""
    return "mse", ("mae",), "loss", ""


def _split_note(*, has_validation: bool, is_sorted: bool, is_held_back: bool) -> str:
    if has_validation:
        return ""
    if is_sorted:
        return (
            "No rows are held back: the last ones have other targets than the first, as sorted rows have. Shuffle the "
            "files once, then write `validation_split: 0.2` below and put `val_` before the metrics of objective and "
            "EarlyStopping; until then trials are ranked by rows they have seen."
        )
    if is_held_back:
        return (
            "The last fifth of the rows is to validate on. Where rows have an order, as that of time, it is the latest "
            "part; where they are sorted by the target, shuffle them first."
        )
    return "There are too few rows to hold any back."
