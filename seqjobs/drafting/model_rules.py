"""propose_layers: layers that suit the features and the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seqjobs.drafting.feature_rules import Feature
from seqjobs.drafting.target_rules import Target

_UNITS = {"choice": [32, 64, 128]}
# A picture of this side can be halved twice and still have some places left.
_LEAST_SIDE_OF_TWO = 16
_LEAST_SIDE = 4


@dataclass(frozen=True)
class Layer:
    """A layer as a spec writes it."""

    name: str
    arguments: Mapping[str, object] | None = None
    note: str = ""


_WIDE = Layer("Dense", {"units": _UNITS, "activation": "relu"})
_NARROW = Layer("Dense", {"units": 32, "activation": "relu"})
_DROPOUT = Layer("Dropout", {"rate": {"uniform": [0.0, 0.4]}})


def propose_layers(features: Sequence[Feature], target: Target) -> tuple[Layer, ...]:
    """Return Dense layers for numbers, convolutions for pictures or an Embedding for texts; then the last layers."""
    only = features[0] if len(features) == 1 else Feature(steps=())
    if only.form == "picture":
        body = _convolutions(only.shape)
    elif only.form == "text":
        note = "an index for each word, one for all other words and one for padding"
        arguments = {"input_dim": only.vocabulary, "output_dim": {"choice": [16, 32, 64]}}
        body = [Layer("Embedding", arguments, note), Layer("GlobalAveragePooling1D"), _DROPOUT, _NARROW]
    else:
        body = [_WIDE, _DROPOUT, _NARROW]
    # Dropout changes the scale of a predicted number, which costs more than it saves.
    return (*(layer for layer in body if target.is_class or layer is not _DROPOUT), *_last_layers(target))


def _convolutions(shape: tuple[int, ...]) -> list[Layer]:
    side, layers = min(shape[:2]), []
    for filters in (16, 32) if side >= _LEAST_SIDE_OF_TWO else (16,) if side >= _LEAST_SIDE else ():
        convolution = {"filters": filters, "kernel_size": 3, "padding": "same", "activation": "relu"}
        layers += [Layer("Conv2D", convolution), Layer("MaxPooling2D")]
    return [*layers, Layer("Flatten"), _WIDE, _DROPOUT]


def _last_layers(target: Target) -> list[Layer]:
    if target.kind == "binary":
        return [Layer("Dense", {"units": 1, "activation": "sigmoid"})]
    if target.kind == "classes":
        return [Layer("Dense", {"units": target.outputs, "activation": "softmax"})]
    scale, offset = (float(f"{number:.4g}") for number in (target.deviation, target.mean))
    note = "the target's standard deviation and mean, so that the layers before predict numbers around 0"
    return [Layer("Dense", {"units": target.outputs}), Layer("Rescaling", {"scale": scale, "offset": offset}, note)]
