"""layers_for: the layers that suit the features and the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqjobs.drafting.feature_rules import Feature
from seqjobs.drafting.target_rules import Target

_UNITS = {"choice": [32, 64, 128]}
# A picture of this side can be halved twice and still have some places left.
_LEAST_SIDE_OF_TWO = 16
_LEAST_SIDE = 4


@dataclass(frozen=True, kw_only=True)
class Layer:
    written: str | dict[str, object]
    note: str = ""


_DROPOUT = Layer(written={"Dropout": {"rate": {"uniform": [0.0, 0.4]}}})


def layers_for(features: Sequence[Feature], target: Target) -> tuple[Layer, ...]:
    """Dense layers on numbers and small grey pictures, convolutions on others, an Embedding on texts; then the head."""
    only = features[0] if len(features) == 1 else None
    if only is not None and only.form == "picture":
        body = _convolutions(only.shape)
    elif only is not None and only.form == "text":
        body = _embedding(only.vocabulary)
    else:
        body = _dense(only)
    # Dropout shakes the scale of a number that is predicted, and costs more than it saves.
    kept = [layer for layer in body if target.is_class or layer is not _DROPOUT]
    return (*kept, *_head(target))


def _dense(only: Feature | None) -> list[Layer]:
    note = ""
    if only is not None and only.form == "pixels":
        side = only.shape[0]
        note = f"for Conv2D give the column `shape: [{side}, {side}, 1]`, and put Flatten before this"
    return [
        Layer(written={"Dense": {"units": _UNITS, "activation": "relu"}}, note=note),
        _DROPOUT,
        Layer(written={"Dense": {"units": 32, "activation": "relu"}}),
    ]


def _convolutions(shape: tuple[int, ...]) -> list[Layer]:
    side, layers = min(shape[:2]), []
    for filters in (16, 32) if side >= _LEAST_SIDE_OF_TWO else (16,) if side >= _LEAST_SIDE else ():
        convolution = {"filters": filters, "kernel_size": 3, "padding": "same", "activation": "relu"}
        layers += [Layer(written={"Conv2D": convolution}), Layer(written="MaxPooling2D")]
    return [
        *layers,
        Layer(written="Flatten"),
        Layer(written={"Dense": {"units": _UNITS, "activation": "relu"}}),
        _DROPOUT,
    ]


def _embedding(vocabulary: int) -> list[Layer]:
    note = "the words, one number for all others and one behind the last word"
    return [
        Layer(written={"Embedding": {"input_dim": vocabulary, "output_dim": {"choice": [16, 32, 64]}}}, note=note),
        Layer(written="GlobalAveragePooling1D"),
        _DROPOUT,
        Layer(written={"Dense": {"units": 32, "activation": "relu"}}),
    ]


def _head(target: Target) -> list[Layer]:
    if target.kind == "yes or no":
        return [Layer(written={"Dense": {"units": 1, "activation": "sigmoid"}})]
    if target.kind == "classes":
        return [Layer(written={"Dense": {"units": target.outputs, "activation": "softmax"}})]
    scale, offset = (float(f"{number:.4g}") for number in (target.deviation, target.mean))
    note = "numbers around 0 become those of the target: its deviation and mean"
    return [
        Layer(written={"Dense": {"units": target.outputs}}),
        Layer(written={"Rescaling": {"scale": scale, "offset": offset}}, note=note),
    ]
