"""propose_feature: what is done to a column, told by its values; or why it is left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from seqjobs.data.profiles import ColumnProfile

Step = str | dict[str, object]
Form = Literal["numbers", "pixels", "picture", "text"]

MAX_ONE_HOT_NUMBERS = 16
MAX_ONE_HOT = 100
# From here on nearly every row has a string of its own, as names and keys have.
MANY_DISTINCT = 0.5
LEAST_TEXT_WORDS = 4
MAX_TEXT_LENGTH = 256
MAX_VOCABULARY = 10_000
LARGE_SKEW = 3.0
LEAST_ROWS_OF_KEY = 50
MOST_EXACT = 2**53
# The operations on categories take no longer strings.
MAX_CATEGORY_BYTES = 10_000
# Height, width and channels of pixels in a list: grey squares, and the size of well-known small colour pictures.
COLOUR_WIDTH, COLOUR_SHAPE = 3072, (32, 32, 3)
LEAST_SIDE = 8
MAX_PICTURE_SIDE = 64
MAX_PAD = 1024
DAYS_OF_A_WEEK, DAYS_OF_MONTHS = 7, 62


@dataclass(frozen=True, kw_only=True)
class Feature:
    column: str
    steps: tuple[Step, ...]
    """Operations in their order; none takes the column raw."""
    note: str = ""
    form: Form = "numbers"
    shape: tuple[int, ...] = ()
    """Of pixels, pictures and texts."""
    vocabulary: int = 0
    """Of a text: numbers that an Embedding must have room for."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    column: str
    why: str
    """Behind `is left out: `."""


def propose_feature(profile: ColumnProfile, *, is_incomplete: bool, is_alone: bool) -> Feature | LeftOut:
    """`is_incomplete`: whether any row lacks a value; `is_alone`: whether there is no other feature."""
    name = profile.name
    if profile.type is None:
        return LeftOut(column=name, why=f"no operation takes {profile.stored}")
    if profile.nulls == profile.rows:
        return LeftOut(column=name, why="it has no value in any row")
    if _is_constant(profile) and not is_incomplete:
        return LeftOut(column=name, why="it has one value in all rows")
    if profile.kind == "bytes":
        return _picture(profile, is_incomplete=is_incomplete, is_alone=is_alone)
    if profile.times is not None:
        return _time(profile, is_incomplete=is_incomplete)
    if profile.kind == "string":
        return _string(profile, is_incomplete=is_incomplete, is_alone=is_alone)
    rule: Callable[..., Feature | LeftOut] = _list if profile.is_list else _number
    return rule(profile, is_incomplete=is_incomplete)


def _is_constant(profile: ColumnProfile) -> bool:
    if profile.numbers is not None:
        return not profile.numbers.deviation
    return profile.distinct == 1


def _number(profile: ColumnProfile, *, is_incomplete: bool) -> Feature | LeftOut:
    numbers, name = profile.numbers, profile.name
    if numbers is None:
        return LeftOut(column=name, why="it has no finite value")
    if profile.kind == "integer" and numbers.rises and profile.rows >= LEAST_ROWS_OF_KEY:
        return LeftOut(column=name, why="it rises from row to row, as numbers of rows do")
    distinct = profile.distinct or 0
    if profile.kind == "integer" and max(-numbers.least, numbers.largest) > MOST_EXACT:
        return LeftOut(column=name, why="its whole numbers are as large as keys are, and no float holds them")
    filled: list[Step] = []
    if is_incomplete:
        filled.append({"impute": "most_frequent" if distinct <= MAX_ONE_HOT_NUMBERS else "median"})
    missing = ", some missing" if is_incomplete else ""
    if profile.kind == "bool" or (distinct <= 2 and numbers.least == 0 and numbers.largest == 1):
        return Feature(column=name, steps=tuple(filled), note=f"yes or no{missing}")
    if profile.kind == "integer" and distinct <= MAX_ONE_HOT_NUMBERS:
        return Feature(column=name, steps=(*filled, "one_hot"), note=f"{distinct} whole numbers{missing}")
    bounded: list[Step] = []
    if profile.not_finite:
        bounded.append({"clip": {"low": numbers.least, "high": numbers.largest}})
    is_skewed = numbers.least >= 0 and numbers.skew > LARGE_SKEW
    note = f"{numbers.least:.4g} to {numbers.largest:.4g}{missing}"
    if is_skewed:
        return Feature(
            column=name, steps=(*bounded, *filled, "log1p", "standardize"), note=f"{note}, most of them small"
        )
    return Feature(column=name, steps=(*bounded, *filled, "standardize"), note=note)


def _string(profile: ColumnProfile, *, is_incomplete: bool, is_alone: bool) -> Feature | LeftOut:
    name, distinct, text = profile.name, profile.distinct or 0, profile.text
    valued = profile.rows - profile.nulls
    if text is not None and text.mean_words >= LEAST_TEXT_WORDS and distinct > MAX_ONE_HOT:
        return _text(profile, is_incomplete=is_incomplete, is_alone=is_alone)
    if text is not None and text.longest_bytes > MAX_CATEGORY_BYTES:
        return LeftOut(column=name, why=f"some of its strings have more than {MAX_CATEGORY_BYTES:,} bytes")
    if distinct > MAX_ONE_HOT_NUMBERS and distinct > MANY_DISTINCT * valued:
        why = f"{distinct:,} distinct strings in {valued:,} rows, as names and keys have"
        return LeftOut(column=name, why=why)
    filled: tuple[Step, ...] = ({"impute": {"constant": "missing"}},) if is_incomplete else ()
    note = f"{distinct:,} strings{', some missing' if is_incomplete else ''}"
    if distinct > MAX_ONE_HOT // 2:
        return Feature(column=name, steps=(*filled, {"one_hot": {"max": MAX_ONE_HOT}}), note=note)
    return Feature(column=name, steps=(*filled, "one_hot"), note=note)


def _text(profile: ColumnProfile, *, is_incomplete: bool, is_alone: bool) -> Feature | LeftOut:
    name, text = profile.name, profile.text
    assert text is not None
    if not is_alone:
        return LeftOut(column=name, why="it holds texts, which are for an Embedding and so for a model of their own")
    length = min(MAX_TEXT_LENGTH, 8 * math.ceil(text.most_words / 8))
    vocabulary = max(100, min(MAX_VOCABULARY, text.distinct_words))
    filled: tuple[Step, ...] = ({"impute": {"constant": ""}},) if is_incomplete else ()
    return Feature(
        column=name,
        steps=(*filled, {"tokens": {"length": length, "vocabulary": vocabulary}}),
        note=f"texts of {text.mean_words:.0f} words on average",
        form="text",
        shape=(length,),
        vocabulary=vocabulary + 2,
    )


def _time(profile: ColumnProfile, *, is_incomplete: bool) -> Feature | LeftOut:
    name, times = profile.name, profile.times
    assert times is not None
    if is_incomplete:
        return LeftOut(column=name, why="some of its times are missing, and nothing stands in for a time")
    parts = []
    if times.days >= DAYS_OF_MONTHS:
        parts.append("month")
    if times.days >= DAYS_OF_A_WEEK and "weekday" in times.varying:
        parts.append("weekday")
    if "hour" in times.varying:
        parts.append("hour")
    note = f"times from {times.first} to {times.last}"
    if parts == ["hour"]:
        return Feature(column=name, steps=({"cyclic": "hour"},), note=note)
    return Feature(column=name, steps=({"date_parts": ["days", *parts]}, "standardize"), note=note)


def _list(profile: ColumnProfile, *, is_incomplete: bool) -> Feature | LeftOut:
    numbers, name = profile.numbers, profile.name
    low, usual, high = profile.lengths or (0, 0, 0)
    if numbers is None or not usual:
        return LeftOut(column=name, why="its lists have no finite values")
    if profile.not_finite:
        return LeftOut(column=name, why="some of its lists hold infinities")
    if low != high or profile.width is None:
        if is_incomplete:
            return LeftOut(column=name, why="its lists have different lengths, and some values are missing")
        length = min(MAX_PAD, usual)
        note = f"lists of {low:,} to {high:,} numbers"
        return Feature(column=name, steps=({"pad": length}, "standardize"), note=note)
    assert profile.type is not None
    if profile.type.dtype == "uint8" and not is_incomplete:
        return _pixels(profile, numbers.largest)
    filled: tuple[Step, ...] = ({"impute": "median"},) if is_incomplete else ()
    # Dense layers would take the last axis of a tensor alone.
    flat: tuple[Step, ...] = ({"shape": [profile.width]},) if len(profile.type.shape or ()) > 1 else ()
    return Feature(column=name, steps=(*filled, "standardize", *flat), note=f"lists of {profile.width:,} numbers")


def _pixels(profile: ColumnProfile, largest: float) -> Feature:
    """Numbers from 0 to 1; bytes of a square are told to be pixels."""
    width = profile.width or 0
    side = math.isqrt(width)
    # A dark sample of pictures is no reason to take another factor than the one for bytes.
    top = 255.0 if largest > 127 else largest
    scaled: Step = {"rescale": float(f"{1 / top:.6g}")}
    tensor = profile.type.shape or () if profile.type is not None else ()
    if len(tensor) == 3 and tensor[2] in (1, 3):
        note = "x".join(map(str, tensor)) + " pixels"
        return Feature(column=profile.name, steps=(scaled,), note=note, form="picture", shape=tensor)
    if len(tensor) > 1:
        return Feature(column=profile.name, steps=(scaled, {"shape": [width]}), note=f"{width:,} bytes")
    if width == COLOUR_WIDTH:
        return Feature(
            column=profile.name, steps=(scaled,), note="32x32 pixels of 3 colours", form="picture", shape=COLOUR_SHAPE
        )
    if side * side == width and side >= LEAST_SIDE:
        note = f"{side}x{side} pixels from 0 to {largest:g}"
        return Feature(column=profile.name, steps=(scaled,), note=note, form="pixels", shape=(side, side, 1))
    return Feature(column=profile.name, steps=(scaled,), note=f"{width:,} bytes")


def _picture(profile: ColumnProfile, *, is_incomplete: bool, is_alone: bool) -> Feature | LeftOut:
    name, found = profile.name, profile.pictures
    if found is None:
        return LeftOut(column=name, why="its bytes are no PNG or JPEG pictures")
    if is_incomplete:
        return LeftOut(column=name, why="some of its pictures are missing, and nothing stands in for a picture")
    if not is_alone:
        return LeftOut(column=name, why="it holds pictures, which are for a model of their own")
    factor = min(1.0, MAX_PICTURE_SIDE / max(found.height, found.width))
    height, width = max(1, round(found.height * factor)), max(1, round(found.width * factor))
    arguments: dict[str, object] = {"size": [height, width], "channels": found.channels}
    if factor < 1 or not found.one_size:
        arguments["resize"] = True
    return Feature(
        column=name,
        steps=({"image": arguments}, {"rescale": 0.00392157}),
        note=f"pictures of {found.height}x{found.width}{'' if found.one_size else ' and other sizes'}",
        form="picture",
        shape=(height, width, found.channels),
    )
