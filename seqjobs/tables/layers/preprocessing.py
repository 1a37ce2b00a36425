"""Layers that scale inputs, and layers that vary images in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry
from seqjobs.tables.arguments import Flag, Integer, ListOf, Number, OneOf, OneOrMore, Optional

_PIXELS = Argument(Integer(at_least=1, absurd=100_000))
_SCALE = OneOrMore(Number())
_RANGE = {"value_range": Argument(ListOf(Number(), 2, 2), (0.0, 255.0))}
_FILL = {
    "fill_mode": Argument(OneOf(("reflect", "wrap", "constant", "nearest")), "reflect"),
    "interpolation": Argument(OneOf(("nearest", "bilinear")), "bilinear"),
    "fill_value": Argument(Number(), 0.0),
}


def _factor(low: Number) -> Argument:
    """One number, for plus and minus it, or the two ends of a range."""
    return Argument(OneOrMore(low, 2, 2))


def _one_aspect(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if arguments["crop_to_aspect_ratio"] and arguments["pad_to_aspect_ratio"]:
        what = "crop_to_aspect_ratio and pad_to_aspect_ratio cannot both be true"
        yield Conflict("pad_to_aspect_ratio", what, "remove one of them")


def _one_form(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    mean, variance = arguments["mean"], arguments["variance"]
    sizes = [len(value) if isinstance(value, tuple) else None for value in (mean, variance)]
    if sizes[0] != sizes[1]:
        what = "mean and variance must both be one number, or lists of one length"
        yield Conflict("variance", what, "give one variance for each mean")


SCALING = (
    Entry(
        "Rescaling",
        "x * scale + offset; a list has one number for each channel",
        {"scale": Argument(_SCALE), "offset": Argument(_SCALE, 0.0)},
        number="scale",
    ),
    Entry(
        "Normalization",
        "(x - mean) / sqrt(variance); a list has one number for each channel",
        {
            "mean": Argument(_SCALE),
            "variance": Argument(OneOrMore(Number(at_least=0))),
            "invert": Argument(Flag(), False),
        },
        rules=(_one_form,),
        left_out={"axis": "mean and variance are of the last axis"},
        # Without them Keras wants a pass over the data before training.
        made_required=frozenset({"mean", "variance"}),
    ),
)

IMAGES = (
    Entry(
        "Resizing",
        "an image of another size",
        {
            "height": _PIXELS,
            "width": _PIXELS,
            "interpolation": Argument(OneOf(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")), "bilinear"),
            "crop_to_aspect_ratio": Argument(Flag(), False),
            "pad_to_aspect_ratio": Argument(Flag(), False),
            "fill_mode": Argument(OneOf(("constant",)), "constant"),
            "fill_value": Argument(Number(), 0.0),
            "antialias": Argument(Flag(), False),
        },
        rules=(_one_aspect,),
    ),
    Entry("CenterCrop", "the middle of an image; a smaller image is enlarged", {"height": _PIXELS, "width": _PIXELS}),
    Entry(
        "RandomFlip",
        "mirrors images",
        {"mode": Argument(OneOf(("horizontal", "vertical", "horizontal_and_vertical")), "horizontal_and_vertical")},
    ),
    Entry(
        "RandomRotation",
        "rotates images; factor in full turns",
        {"factor": _factor(Number(at_least=-1, at_most=1)), **_FILL},
        number="factor",
    ),
    Entry(
        "RandomZoom",
        "zooms images; negative zooms in; width_factor null keeps the proportions",
        {
            "height_factor": _factor(Number(above=-1, at_most=1)),
            "width_factor": Argument(Optional(OneOrMore(Number(above=-1, at_most=1), 2, 2)), None),
            **_FILL,
        },
        number="height_factor",
    ),
    Entry(
        "RandomTranslation",
        "moves images; factors are shares of height and width",
        {
            "height_factor": _factor(Number(at_least=-1, at_most=1)),
            "width_factor": _factor(Number(at_least=-1, at_most=1)),
            **_FILL,
        },
    ),
    Entry(
        "RandomContrast",
        "contrast times 1 - factor to 1 + factor",
        {"factor": _factor(Number(at_least=0, at_most=1)), **_RANGE},
        number="factor",
    ),
    Entry(
        "RandomBrightness",
        "adds up to factor of the value range",
        {"factor": _factor(Number(at_least=-1, at_most=1)), **_RANGE},
        number="factor",
    ),
)
