"""make_draft: columns and target -> all that a spec says, with the reasons; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from seqjobs.data.profiles import ColumnProfile, Leak
from seqjobs.drafting.feature_rules import Feature, LeftOut, propose_feature
from seqjobs.drafting.find_splits import TRAIN_NAMES
from seqjobs.drafting.model_rules import Layer, layers_for
from seqjobs.drafting.target_rules import Target
from seqjobs.drafting.training_rules import Training, training_for
from seqjobs.errors import DataError

MAX_NAME = 63


@dataclass(frozen=True, kw_only=True)
class DraftedData:
    """Where the rows are, as the spec will write it, and how many were seen."""

    train: str
    validation: str | None
    validation_is_found: bool
    """Whether nobody named it, and it lay beside the training data."""
    sampled_rows: int
    train_rows: int


@dataclass(frozen=True, kw_only=True)
class Draft:
    name: str
    data: DraftedData
    columns: tuple[Feature | LeftOut, ...]
    """In the order of the files."""
    target: Target
    layers: tuple[Layer, ...]
    training: Training


def make_draft(
    data: DraftedData,
    target: Target,
    profiles: Sequence[ColumnProfile],
    *,
    incomplete: frozenset[str],
    leaks: Sequence[Leak],
    is_sorted: bool,
) -> Draft:
    """`incomplete`: columns that lack values; `is_sorted`: whether the last rows have other targets than the rest.

    Raises DataError (E402) where no column can be a feature.
    """
    columns = _columns(profiles, incomplete, {leak.column: leak.how for leak in leaks})
    features = [column for column in columns if isinstance(column, Feature)]
    if not features:
        why = "; ".join(f"{column.column}: {column.why}" for column in columns if isinstance(column, LeftOut))
        what = f"no column beside the target can be a feature ({why})" if why else "there is no column but the target"
        raise DataError("E402", what, where=data.train, fix="write files with columns of numbers or strings.")
    return Draft(
        name=_name(data.train, target.name),
        data=data,
        columns=columns,
        target=target,
        layers=layers_for(features, target),
        training=training_for(data.train_rows, target, has_validation=data.validation is not None, is_sorted=is_sorted),
    )


def _columns(
    profiles: Sequence[ColumnProfile], incomplete: frozenset[str], leaks: dict[str, str]
) -> tuple[Feature | LeftOut, ...]:
    def proposed(profile: ColumnProfile, *, is_alone: bool) -> Feature | LeftOut:
        if profile.name in leaks and not tells_all:
            return LeftOut(column=profile.name, why=f"it {leaks[profile.name]}: a leak, unless it is known beforehand")
        return propose_feature(profile, is_incomplete=profile.name in incomplete, is_alone=is_alone)

    tells_all = False
    found = [proposed(profile, is_alone=False) for profile in profiles]
    alone = _main_column(profiles, found, frozenset(leaks))
    if alone is not None:
        found = [
            proposed(profile, is_alone=True) if index == alone else _beside(one)
            for index, (profile, one) in enumerate(zip(profiles, found, strict=True))
        ]
    if leaks and not any(isinstance(one, Feature) for one in found):
        tells_all = True  # nothing else is left to learn from
        found = [proposed(profile, is_alone=len(profiles) == 1) for profile in profiles]
    return tuple(found)


def _main_column(
    profiles: Sequence[ColumnProfile], found: Sequence[Feature | LeftOut], leaks: frozenset[str]
) -> int | None:
    """The first column of pictures, as the others are about them; or the longest text, where all others are out."""
    for index, profile in enumerate(profiles):
        if profile.pictures is not None and profile.name not in leaks:
            return index
    if any(isinstance(one, Feature) for one in found):
        return None
    texts = [index for index, profile in enumerate(profiles) if profile.text and profile.name not in leaks]
    return max(texts, key=lambda index: getattr(profiles[index].text, "mean_words", 0.0), default=None)


def _beside(one: Feature | LeftOut) -> LeftOut:
    if isinstance(one, LeftOut):
        return one
    return LeftOut(column=one.column, why="pictures keep their shape only where they are the one feature")


def _name(train: str, target: str) -> str:
    """Of the folder or file and the target, in the characters that a job's name may have."""
    path = PurePosixPath(train.replace("\\", "/"))
    parts = [part.partition(".")[0].lower() for part in path.parts if not set(part) & set("*?[")]
    told = next((part for part in reversed(parts) if part.strip("-_/") and part not in TRAIN_NAMES), "data")
    name = re.sub(r"[^a-z0-9._-]+", "-", f"{told}-{target}".lower()).strip("-._")
    return name[:MAX_NAME] or "job"
