"""propose_features: what is done to each column, by its values; or why it is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from seqjobs.data.inspection.column_profile import ColumnProfile
from seqjobs.data.inspection.leaks import Leak

Step = str | Mapping[str, object]
Form = Literal["numbers", "pixels", "picture", "text"]

MAX_ONE_HOT_NUMBERS = 16
MAX_ONE_HOT = 100
# Above this share of distinct strings, they identify rows, as names and keys do.
MANY_DISTINCT = 0.5
LEAST_TEXT_WORDS = 4
MAX_TEXT_LENGTH = 256
MAX_VOCABULARY = 10_000
LARGE_SKEW = 3.0
LEAST_ROWS_OF_KEY = 50
MOST_EXACT = 2**53
# The operations on categories refuse longer strings.
MAX_CATEGORY_BYTES = 10_000
# Height, width and channels of pixels in a list: grey squares, and the size of well-known small colour pictures.
COLOUR_WIDTH, COLOUR_SHAPE = 3072, (32, 32, 3)
LEAST_SIDE = 8
MAX_PICTURE_SIDE = 64
MAX_PAD = 1024
DAYS_OF_A_WEEK, DAYS_OF_MONTHS = 7, 62


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A column that is used."""

    steps: tuple[Step, ...]
    """Operations in their order; none takes the column raw."""
    note: str = ""
    form: Form = "numbers"
    shape: tuple[int, ...] = ()
    """For pixels and pictures: height, width, channels."""
    vocabulary: int = 0
    """For texts: how many indices an Embedding needs."""


@dataclass(frozen=True)
class LeftOut:
    """A column that is not used."""

    why: str
    """Follows `is left out: `."""


Proposal = Feature | LeftOut


def propose_features(
    profiles: Sequence[ColumnProfile], *, incomplete: frozenset[str], leaks: Sequence[Leak]
) -> dict[str, Proposal]:
    """Return what to do with each column, by its name.

    Pictures and texts are used only if they are the one feature. Leaks are used only if there is nothing else.

    Args:
        profiles: The columns without the target.
        incomplete: Columns that lack values in some rows.
        leaks: Columns that give the target away.
    """
    left_out = {leak.column: LeftOut(f"it {leak.how}; use it if it is known before the target is") for leak in leaks}

    def propose(profile: ColumnProfile, *, is_alone: bool = False) -> Proposal:
        return left_out.get(profile.name) or propose_feature(
            profile, is_incomplete=profile.name in incomplete, is_alone=is_alone
        )

    columns = {profile.name: propose(profile) for profile in profiles}
    alone = _find_main_column([profile for profile in profiles if profile.name not in left_out], columns)
    if alone is not None:
        columns = {
            name: LeftOut("pictures keep their shape only if they are the only feature")
            if isinstance(column, Feature)
            else column
            for name, column in columns.items()
        }
        columns[alone.name] = propose(alone, is_alone=True)
    if left_out and not any(isinstance(column, Feature) for column in columns.values()):
        left_out.clear()
        columns = {profile.name: propose(profile, is_alone=len(profiles) == 1) for profile in profiles}
    is_alone = sum(isinstance(column, Feature) for column in columns.values()) == 1
    return columns if is_alone else {name: _flatten(column) for name, column in columns.items()}


def _flatten(column: Proposal) -> Proposal:
    """Return pixels as a row of numbers, which is the only shape that they can have next to other features."""
    if isinstance(column, LeftOut) or column.form != "picture":
        return column
    return replace(column, form="numbers", steps=(*column.steps[:-1], {"shape": [math.prod(column.shape)]}))


def _find_main_column(profiles: Sequence[ColumnProfile], columns: Mapping[str, Proposal]) -> ColumnProfile | None:
    """Return the first column of pictures, which others are about; or the longest text if no column is a feature."""
    for profile in profiles:
        if profile.pictures is not None:
            return profile
    if any(isinstance(column, Feature) for column in columns.values()):
        return None
    texts = [(profile.text.mean_words, profile) for profile in profiles if profile.text is not None]
    return max(texts, key=lambda pair: pair[0], default=(0.0, None))[1]


def propose_feature(profile: ColumnProfile, *, is_incomplete: bool, is_alone: bool) -> Proposal:
    """Return what to do with a column.

    Args:
        profile: The column.
        is_incomplete: Whether any row lacks a value.
        is_alone: Whether it is the only feature.
    """
    if profile.type is None:
        return LeftOut(f"no operation reads {profile.stored}")
    if profile.nulls == profile.rows:
        return LeftOut("it has no value in any row")
    is_constant = profile.distinct == 1 if profile.numbers is None else not profile.numbers.deviation
    if is_constant and not is_incomplete:
        return LeftOut("it has the same value in all rows")
    if profile.kind == "bytes":
        return _picture(profile, is_incomplete=is_incomplete, is_alone=is_alone)
    if profile.times is not None:
        return _time(profile, is_incomplete=is_incomplete)
    if profile.kind == "string":
        return _string(profile, is_incomplete=is_incomplete, is_alone=is_alone)
    return (_list if profile.is_list else _number)(profile, is_incomplete=is_incomplete)


def _number(profile: ColumnProfile, *, is_incomplete: bool) -> Proposal:
    numbers, distinct = profile.numbers, profile.distinct or 0
    if numbers is None:
        return LeftOut("it has no finite value")
    is_integer = profile.kind == "integer"
    if is_integer and numbers.rises and profile.rows >= LEAST_ROWS_OF_KEY:
        return LeftOut("it increases from row to row, as row numbers do")
    if is_integer and max(-numbers.least, numbers.largest) > MOST_EXACT:
        return LeftOut("its whole numbers are as large as keys, and floats cannot hold them exactly")
    fill = "most_frequent" if distinct <= MAX_ONE_HOT_NUMBERS else "median"
    filled: tuple[Step, ...] = ({"impute": fill},) if is_incomplete else ()
    missing = ", some missing" if is_incomplete else ""
    if profile.kind == "bool" or (distinct <= 2 and numbers.least == 0 and numbers.largest == 1):
        return Feature(steps=filled, note=f"yes or no{missing}")
    if is_integer and distinct <= MAX_ONE_HOT_NUMBERS:
        return Feature(steps=(*filled, "one_hot"), note=f"{distinct} different whole numbers{missing}")
    bounded: tuple[Step, ...] = ()
    if profile.not_finite:
        bounded = ({"clip": {"low": numbers.least, "high": numbers.largest}},)
    is_skewed = numbers.least >= 0 and numbers.skew > LARGE_SKEW
    scaled = ("log1p", "standardize") if is_skewed else ("standardize",)
    note = f"{numbers.least:.4g} to {numbers.largest:.4g}{missing}{', most of them small' if is_skewed else ''}"
    return Feature(steps=(*bounded, *filled, *scaled), note=note)


def _string(profile: ColumnProfile, *, is_incomplete: bool, is_alone: bool) -> Proposal:
    distinct, text, valued = profile.distinct or 0, profile.text, profile.rows - profile.nulls
    if text is not None and text.mean_words >= LEAST_TEXT_WORDS and distinct > MAX_ONE_HOT:
        return _text(profile, is_incomplete=is_incomplete, is_alone=is_alone)
    if text is not None and text.longest_bytes > MAX_CATEGORY_BYTES:
        return LeftOut(f"some of its strings have more than {MAX_CATEGORY_BYTES:,} bytes")
    if distinct > MAX_ONE_HOT_NUMBERS and distinct > MANY_DISTINCT * valued:
        return LeftOut(f"{distinct:,} different strings in {valued:,} rows, as names and keys have")
    filled: tuple[Step, ...] = ({"impute": {"constant": "missing"}},) if is_incomplete else ()
    encoded: Step = {"one_hot": {"max": MAX_ONE_HOT}} if distinct > MAX_ONE_HOT // 2 else "one_hot"
    missing = ", some missing" if is_incomplete else ""
    return Feature(steps=(*filled, encoded), note=f"{distinct:,} different strings{missing}")


def _text(profile: ColumnProfile, *, is_incomplete: bool, is_alone: bool) -> Proposal:
    text = profile.text
    assert text is not None
    if not is_alone:
        return LeftOut("it holds texts, which need an Embedding and so a separate model")
    length = min(MAX_TEXT_LENGTH, 8 * math.ceil(text.most_words / 8))
    vocabulary = max(100, min(MAX_VOCABULARY, text.distinct_words))
    filled: tuple[Step, ...] = ({"impute": {"constant": ""}},) if is_incomplete else ()
    return Feature(
        steps=(*filled, {"tokens": {"length": length, "vocabulary": vocabulary}}),
        note=f"texts of {text.mean_words:.0f} words on average",
        form="text",
        vocabulary=vocabulary + 2,
    )


def _time(profile: ColumnProfile, *, is_incomplete: bool) -> Proposal:
    times = profile.times
    assert times is not None
    if is_incomplete:
        return LeftOut("some of its times are missing, and no operation fills in a time")
    parts = ["month"] if times.days >= DAYS_OF_MONTHS else []
    if times.days >= DAYS_OF_A_WEEK and "weekday" in times.varying:
        parts.append("weekday")
    if "hour" in times.varying:
        parts.append("hour")
    note = f"times from {times.first} to {times.last}"
    if parts == ["hour"]:
        return Feature(steps=({"cyclic": "hour"},), note=note)
    return Feature(steps=({"date_parts": ["days", *parts]}, "standardize"), note=note)


def _list(profile: ColumnProfile, *, is_incomplete: bool) -> Proposal:
    numbers = profile.numbers
    low, usual, high = profile.lengths or (0, 0, 0)
    if numbers is None or not usual:
        return LeftOut("its lists have no finite values")
    if profile.not_finite:
        return LeftOut("some of its lists hold infinities")
    if low != high or profile.width is None:
        if is_incomplete:
            return LeftOut("its lists have different lengths, and some values are missing")
        note = f"lists of {low:,} to {high:,} numbers"
        return Feature(steps=({"pad": min(MAX_PAD, usual)}, "standardize"), note=note)
    assert profile.type is not None
    if profile.type.dtype == "uint8" and not is_incomplete:
        return _pixels(profile.type.shape or (), profile.width, numbers.largest)
    filled: tuple[Step, ...] = ({"impute": "median"},) if is_incomplete else ()
    # Dense layers would take the last axis of a tensor alone.
    flat: tuple[Step, ...] = ({"shape": [profile.width]},) if len(profile.type.shape or ()) > 1 else ()
    return Feature(steps=(*filled, "standardize", *flat), note=f"lists of {profile.width:,} numbers")


def _pixels(tensor: tuple[int, ...], width: int, largest: float) -> Feature:
    """Scale bytes to 0 ... 1; those of a square, or of a tensor with channels, are taken for pixels."""
    # Pictures that are dark by chance are scaled by the factor for bytes too.
    top = 255.0 if largest > 127 else largest
    scaled: Step = {"rescale": float(f"{1 / top:.6g}")}
    shape = tensor if len(tensor) == 3 and tensor[2] in (1, 3) else ()
    if width == COLOUR_WIDTH and len(tensor) < 2:
        shape = COLOUR_SHAPE
    if shape:
        note = f"{'x'.join(map(str, shape))} pixels"
        return Feature(steps=(scaled, {"shape": list(shape)}), note=note, form="picture", shape=shape)
    if len(tensor) > 1:
        return Feature(steps=(scaled, {"shape": [width]}), note=f"{width:,} bytes")
    side = math.isqrt(width)
    if side * side == width and side >= LEAST_SIDE:
        note = f"{side}x{side} pixels from 0 to {largest:g}"
        return Feature(steps=(scaled,), note=note, form="pixels", shape=(side, side, 1))
    return Feature(steps=(scaled,), note=f"{width:,} bytes")


def _picture(profile: ColumnProfile, *, is_incomplete: bool, is_alone: bool) -> Proposal:
    found = profile.pictures
    if found is None:
        return LeftOut("its bytes are not PNG or JPEG pictures")
    if is_incomplete:
        return LeftOut("some of its pictures are missing, and no operation fills in a picture")
    if not is_alone:
        return LeftOut("it holds pictures, which need a separate model")
    factor = min(1.0, MAX_PICTURE_SIDE / max(found.height, found.width))
    height, width = max(1, round(found.height * factor)), max(1, round(found.width * factor))
    arguments: dict[str, object] = {"size": [height, width], "channels": found.channels}
    if factor < 1 or not found.one_size:
        arguments["resize"] = True
    return Feature(
        steps=({"image": arguments}, {"rescale": 0.00392157}),
        note=f"pictures of {found.height}x{found.width}{'' if found.one_size else ' and other sizes'}",
        form="picture",
        shape=(height, width, found.channels),
    )
