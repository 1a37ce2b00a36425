"""propose_target: what is predicted, by the values of its column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqjobs.data.inspection.column_profile import ColumnProfile
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown

# So few whole numbers from 0 on are classes; up to ten times as many if none is left out.
MAX_CLASS_NUMBERS = 20
MAX_CLASSES_WITHOUT_GAP = 200
MAX_STRING_CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class Target:
    """A column to predict."""

    name: str
    kind: Literal["binary", "classes", "number", "numbers"]
    outputs: int
    note: str
    """Describes its values."""
    rarest: float = 0.5
    """For a binary target, the share of rows of the rarer class."""
    mean: float = 0.0
    deviation: float = 1.0
    """For numbers."""

    @property
    def is_class(self) -> bool:
        return self.kind in ("binary", "classes")


def propose_target(profile: ColumnProfile, validation: ColumnProfile | None) -> Target:
    """Return how to predict a column, by its profiles in the training rows and in the validation rows.

    Raises:
        DataError: E403 for a type that cannot be predicted, E406 for one value only, E408 for rows without a value.
    """
    _check(profile)
    if profile.kind == "string":
        return _strings(profile)
    numbers, name = profile.numbers, profile.name
    assert numbers is not None
    scale = {"mean": numbers.mean, "deviation": numbers.deviation}
    if profile.is_list:
        note = f"{profile.width} numbers in each row"
        return Target(name=name, kind="numbers", outputs=profile.width or 1, note=note, **scale)
    both = [numbers, *([validation.numbers] if validation is not None and validation.numbers is not None else [])]
    least, largest = min(found.least for found in both), max(found.largest for found in both)
    if profile.distinct == 2 and (least, largest) == (0, 1):
        return _binary(profile)
    distinct = profile.distinct or 0
    if profile.kind == "integer" and least >= 0 and _are_classes(distinct, int(largest)):
        outputs = int(largest) + 1
        gap = "" if outputs == distinct else f"; the {outputs} outputs stand for 0 to {largest:g}"
        note = f"{distinct} classes, numbered from {least:g} to {largest:g}{gap}"
        return Target(name=name, kind="classes", outputs=outputs, note=note)
    note = f"from {numbers.least:.4g} to {numbers.largest:.4g}, {numbers.mean:.4g} on average"
    return Target(name=name, kind="number", outputs=1, note=note, **scale)


def _check(profile: ColumnProfile) -> None:
    named = f"the target {shown(profile.name)}"
    if profile.nulls or profile.not_finite:
        what = f"{named} has no value in {profile.nulls + profile.not_finite:,} of {profile.rows:,} rows"
        raise DataError("E408", what, fix="remove these rows from the files.")
    is_known = profile.type is not None and (profile.type.is_number or profile.kind == "string")
    if not is_known or (profile.is_list and profile.width is None):
        what = f"{named} is {shown(profile.stored)}"
        raise DataError("E403", what, fix="name a column of numbers, of strings, or of lists of one length.")
    if profile.distinct == 1 or (profile.numbers is not None and not profile.numbers.deviation):
        fix = "name a column whose values differ, or add files with other values."
        raise DataError("E406", f"{named} has the same value in all rows", fix=fix)


def _strings(profile: ColumnProfile) -> Target:
    count = profile.distinct or 0
    if count > MAX_STRING_CLASSES or 2 * count > profile.rows:
        what = f"the target {shown(profile.name)} has {count:,} distinct strings in {profile.rows:,} rows"
        raise DataError("E403", what, fix=f"name a column of at most {MAX_STRING_CLASSES:,} classes.")
    if count == 2:
        return _binary(profile)
    first = ", ".join(f"{value} ({rows:,} rows)" for value, rows in profile.frequent[:3])
    note = f"{count} classes: {first}{', ...' if count > 3 else ''}"
    return Target(name=profile.name, kind="classes", outputs=count, note=note)


def _binary(profile: ColumnProfile) -> Target:
    note = " or ".join(f"{value} ({rows:,} rows)" for value, rows in profile.frequent) or "0 or 1"
    rarest = min((rows for _, rows in profile.frequent), default=profile.rows / 2) / profile.rows
    return Target(name=profile.name, kind="binary", outputs=1, note=note, rarest=rarest)


def _are_classes(distinct: int, largest: int) -> bool:
    if distinct <= MAX_CLASS_NUMBERS:
        return largest < 2 * MAX_CLASS_NUMBERS
    return largest + 1 == distinct <= MAX_CLASSES_WITHOUT_GAP
