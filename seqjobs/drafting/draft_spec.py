"""draft_spec: paths of data -> the text of a spec."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from seqjobs.data.inspection.column_profile import profile_column
from seqjobs.data.inspection.leaks import find_leaks_in_table
from seqjobs.data.inspection.sample import Sample, read_sample
from seqjobs.drafting.feature_rules import Feature, propose_features
from seqjobs.drafting.find_splits import TRAIN_NAMES, Splits, find_splits
from seqjobs.drafting.model_rules import propose_layers
from seqjobs.drafting.spec_text import Draft, write_spec
from seqjobs.drafting.target_rules import propose_target
from seqjobs.drafting.training_rules import HELD_BACK, propose_training
from seqjobs.errors import DataError, SpecError
from seqjobs.errors.problems import Problems
from seqjobs.jobspec.data_files import scheme_of
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.load import parse_job
from seqjobs.jobspec.validation import validate_section

MAX_NAME = 63


def draft_spec(
    data: str,
    target: str,
    *,
    validation: str | None = None,
    csv: Mapping[str, str] | None = None,
    out: Path = Path("spec.yaml"),
) -> str:
    """Return a commented spec that trains on `data` as it is.

    Reads a sample of the rows, and the target of all rows up to millions.

    Args:
        data: A file, folder or glob.
        target: The column to predict.
        validation: Rows to validate on; if left out, they are looked for next to `data`.
        csv: The form of CSV files, as `data.csv` of a spec has it.
        out: Where the spec will be; its paths are relative to that folder.

    Raises:
        DataError: If the data cannot be read or the target cannot be predicted: E402 no such column, E403 of another
            type, E406 one value only, E408 missing values. Also E402 if no column can be a feature.
        SpecError: For a path that a spec must not name.
    """
    splits = find_splits(data, Path()) if validation is None else Splits(train=data, validation=validation)
    sample = read_sample(_data_spec(splits, target, csv or {}), Path())
    draft = _draft(splits, sample, target, csv=csv or {}, folder=out.parent, is_found=validation is None)
    text = write_spec(draft, out.name)
    parse_job(text, out)  # the name of a column may have a meaning where it stands in a spec
    return text


def _data_spec(splits: Splits, target: str, csv: Mapping[str, str]) -> DataSpec:
    given: dict[str, object] = {"train": splits.train, "target": target}
    if csv:
        given["csv"] = dict(csv)
    if splits.validation is not None:
        given["validation"] = splits.validation
    problems = Problems()
    found = validate_section(DataSpec, given, problems)
    if found is None:
        raise SpecError([replace(problem, place="DATA") for problem in problems])
    return found


def _draft(
    splits: Splits, sample: Sample, target: str, *, csv: Mapping[str, str], folder: Path, is_found: bool
) -> Draft:
    whole, others, schema = sample.target, sample.validation_target, sample.rows.schema
    field = schema.field(target)
    has_others = others is not None and len(others) > 0
    proposed = propose_target(profile_column(field, whole), profile_column(field, others) if has_others else None)
    columns = propose_features(
        [profile_column(field, sample.rows[field.name]) for field in schema if field.name != target],
        incomplete=sample.incomplete,
        leaks=find_leaks_in_table(sample.rows, target, is_class=proposed.is_class),
    )
    features = [column for column in columns.values() if isinstance(column, Feature)]
    if not features:
        why = "; ".join(f"{name}: {column.why}" for name, column in columns.items() if not isinstance(column, Feature))
        what = "no column except the target can be a feature" if why else "there is no column except the target"
        what += f" ({why})" if why else ""
        raise DataError("E402", what, where=splits.train, fix="name files with columns of numbers or strings.")
    has_validation = splits.validation is not None
    is_sorted = not has_validation and sample.is_sorted(HELD_BACK, is_class=proposed.is_class)
    return Draft(
        name=_name(splits.train, target),
        train=_seen_from(splits.train, folder),
        validation=None if splits.validation is None else _seen_from(splits.validation, folder),
        is_validation_found=is_found,
        test=splits.test,
        csv=csv,
        sampled_rows=len(sample.rows),
        train_rows=sample.total_rows,
        columns=columns,
        target=proposed,
        layers=propose_layers(features, proposed),
        training=propose_training(sample.total_rows, proposed, has_validation=has_validation, is_sorted=is_sorted),
    )


def _seen_from(path: str, folder: Path) -> str:
    """Return a path as a spec in a folder writes it."""
    if scheme_of(path) is not None or Path(path).is_absolute():
        return path
    return os.path.relpath(path, folder)


def _name(train: str, target: str) -> str:
    """Return a job's name made of the folder or file and the target."""
    path = PurePosixPath(train.replace("\\", "/"))
    parts = [part.partition(".")[0].lower() for part in path.parts if not set(part) & set("*?[")]
    source = next((part for part in reversed(parts) if part.strip("-_/") and part not in TRAIN_NAMES), "data")
    name = re.sub(r"[^a-z0-9._-]+", "-", f"{source}-{target}".lower()).strip("-._")
    return name[:MAX_NAME] or "job"
