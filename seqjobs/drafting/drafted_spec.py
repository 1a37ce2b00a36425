"""drafted_spec: paths of data -> the text of a spec."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from seqjobs.data.profiles import find_leaks, is_sorted_by, profile_column
from seqjobs.data.sample import Sample, read_sample
from seqjobs.drafting.draft import Draft, DraftedData, make_draft
from seqjobs.drafting.find_splits import Splits, find_splits
from seqjobs.drafting.spec_text import spec_text
from seqjobs.drafting.target_rules import target_of
from seqjobs.drafting.training_rules import HELD_BACK
from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problems
from seqjobs.spec.data_files import scheme_of
from seqjobs.spec.data_section import DataSpec
from seqjobs.spec.load import parse_job
from seqjobs.spec.validation import validate_section


def drafted_spec(data: str, target: str, *, validation: str | None = None, out: Path = Path("spec.yaml")) -> str:
    """A commented spec that trains on `data` as it is; its paths start from the folder of `out`.

    Reads a sample of the rows, and of the target all rows up to millions. Raises DataError where the data cannot be
    read, or the target is none: E402 no such column, E403 of a type that is no target, E406 one value only, E407
    nulls. Raises SpecError for a path that a spec may not name.
    """
    here = Path()
    splits = find_splits(data, here) if validation is None else Splits(train=data, validation=validation)
    sample = read_sample(_data_spec(splits, target), here)
    known = DraftedData(
        train=_seen_from(splits.train, out.parent),
        validation=None if splits.validation is None else _seen_from(splits.validation, out.parent),
        validation_is_found=validation is None,
        sampled_rows=len(sample.rows),
        train_rows=sample.total_rows,
    )
    text = spec_text(_draft_of(known, sample, target), out.name)
    parse_job(text, out)  # a column's name may mean something where it stands in a spec
    return text


def _data_spec(splits: Splits, target: str) -> DataSpec:
    given = {"train": splits.train, "target": target}
    if splits.validation is not None:
        given["validation"] = splits.validation
    problems = Problems()
    found = validate_section(DataSpec, given, problems)
    if found is None:
        raise SpecError([replace(problem, place="DATA") for problem in problems])
    return found


def _draft_of(known: DraftedData, sample: Sample, target: str) -> Draft:
    whole, others = sample.target, sample.validation_target
    field = sample.rows.schema.field(target)
    found = target_of(
        profile_column(field, whole), None if others is None or not len(others) else profile_column(field, others)
    )
    profiles = [profile_column(other, sample.rows[other.name]) for other in sample.rows.schema if other.name != target]
    return make_draft(
        known,
        found,
        profiles,
        incomplete=sample.incomplete,
        leaks=find_leaks(sample.rows, target, is_class=found.is_class),
        is_sorted=is_sorted_by(whole, HELD_BACK, is_class=found.is_class),
    )


def _seen_from(path: str, folder: Path) -> str:
    """A path as a spec in a folder writes it."""
    if scheme_of(path) is not None or Path(path).is_absolute():
        return path
    return os.path.relpath(path, folder)
