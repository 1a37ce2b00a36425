"""target_of: what is predicted, told by the values of its column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqjobs.data.profiles import ColumnProfile
from seqjobs.drafting.yaml_text import comment
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown

# Whole numbers from 0 on are classes where there are as few, or up to ten times as many where none is left out.
MAX_CLASS_NUMBERS = 20
MAX_CLASSES_WITHOUT_GAP = 200
MAX_STRING_CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class Target:
    name: str
    kind: Literal["yes or no", "classes", "number", "numbers"]
    outputs: int
    note: str
    """What its values are."""
    rarest: float = 0.5
    """Of a yes or no, the share of rows of the rarer one."""
    mean: float = 0.0
    deviation: float = 1.0
    """Of numbers."""

    @property
    def is_class(self) -> bool:
        return self.kind in ("yes or no", "classes")


def target_of(profile: ColumnProfile, validation: ColumnProfile | None) -> Target:
    """Raises DataError: E403 for a type that is no target, E406 for one value only, E408 for rows without one."""
    _check(profile)
    if profile.kind == "string":
        return _strings(profile)
    numbers = profile.numbers
    assert numbers is not None
    if profile.is_list:
        note = f"{profile.width} numbers a row"
        return Target(name=profile.name, kind="numbers", outputs=profile.width or 1, note=note, **_scale(profile))
    both = [numbers, *([validation.numbers] if validation is not None and validation.numbers is not None else [])]
    least, largest = min(found.least for found in both), max(found.largest for found in both)
    if profile.distinct == 2 and (least, largest) == (0, 1):
        return _yes_or_no(profile)
    if profile.kind == "integer" and least >= 0 and _are_classes(profile.distinct or 0, int(largest)):
        note = f"{profile.distinct} classes, from {least:g} to {largest:g}"
        return Target(name=profile.name, kind="classes", outputs=int(largest) + 1, note=note)
    note = f"from {numbers.least:.4g} to {numbers.largest:.4g}, {numbers.mean:.4g} on average"
    return Target(name=profile.name, kind="number", outputs=1, note=note, **_scale(profile))


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
        raise DataError("E406", f"{named} has one value in all rows", fix="name a column that differs, or more files.")


def _strings(profile: ColumnProfile) -> Target:
    count = profile.distinct or 0
    if count > MAX_STRING_CLASSES or 2 * count > profile.rows:
        what = f"the target {shown(profile.name)} has {count:,} distinct strings in {profile.rows:,} rows"
        raise DataError("E403", what, fix=f"name a column of at most {MAX_STRING_CLASSES:,} classes.")
    if count == 2:
        return _yes_or_no(profile)
    first = ", ".join(f"{value} ({rows:,} rows)" for value, rows in profile.frequent[:3])
    note = comment(f"{count} classes: {first}{', ...' if count > 3 else ''}")
    return Target(name=profile.name, kind="classes", outputs=count, note=note)


def _yes_or_no(profile: ColumnProfile) -> Target:
    told = " or ".join(f"{value} ({rows:,} rows)" for value, rows in profile.frequent) or "0 or 1"
    rarest = min((rows for _, rows in profile.frequent), default=profile.rows / 2) / profile.rows
    return Target(name=profile.name, kind="yes or no", outputs=1, note=comment(told), rarest=rarest)


def _are_classes(distinct: int, largest: int) -> bool:
    if distinct <= MAX_CLASS_NUMBERS:
        return largest < 2 * MAX_CLASS_NUMBERS
    return largest + 1 == distinct <= MAX_CLASSES_WITHOUT_GAP


def _scale(profile: ColumnProfile) -> dict[str, float]:
    assert profile.numbers is not None
    return {"mean": profile.numbers.mean, "deviation": profile.numbers.deviation}
