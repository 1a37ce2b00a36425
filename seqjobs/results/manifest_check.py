"""check_manifest: whether a run.json has what seqjobs writes into one."""

from __future__ import annotations

from typing import Any

from seqjobs.planning.compile_rule import Compiler
from seqjobs.results.stored_values import (
    Field,
    Fields,
    check_distinct,
    check_fields,
    either,
    is_count,
    is_digest,
    is_id,
    is_name,
    is_object,
    is_path,
    is_run_id,
    is_text,
    is_time,
    is_value,
    list_of,
    mapping_of,
    or_null,
)

_NAME = Field(test=is_name, expected="a name: lower-case letters, digits, '.', '_', '-'")
_ID = Field(test=is_id, expected="an ID")
_COUNT = Field(test=is_count, expected="a whole number of 0 or more")
_TEXT = Field(test=is_text, expected="a text")
_OBJECTS = Field(test=list_of(is_object), expected="a list of objects")

_RUN: Fields = {
    "id": Field(test=is_run_id, expected="the ID of a run: letters, digits, '.', '_', '-'"),
    "created": Field(test=is_time, expected="a time"),
    "versions": Field(test=mapping_of(is_text, is_text), expected="versions"),
    "jobs": Field(test=lambda value: list_of(is_object)(value) and bool(value), expected="a list of jobs"),
    "trials": _OBJECTS,
    "datasets": _OBJECTS,
}
_JOB: Fields = {
    "name": _NAME,
    "path": Field(test=is_path, expected="an absolute path"),
    "text": _TEXT,
    "overrides": Field(test=list_of(is_text), expected="a list of texts"),
    "objective": Field(test=is_object, expected="an objective"),
    "keep_best": _COUNT,
}
_TRIAL: Fields = {
    "id": _ID,
    "job": _NAME,
    "number": _COUNT,
    "repeat": _COUNT,
    "seed": _COUNT,
    "hyperparameters": Field(
        test=lambda value: isinstance(value, dict) and is_value(value), expected="hyperparameters with their values"
    ),
    "dataset": _ID,
    "key": _ID,
    "places": Field(test=lambda value: is_count(value) and value > 0, expected="a number of places"),
    "compiler": Field(test=either(*Compiler), expected="a compiler"),
}
_DATASET: Fields = {
    "id": _ID,
    "fingerprint": _TEXT,
    "feature_shape": Field(test=list_of(is_count), expected="a shape"),
    "train_rows": _COUNT,
    "validation_rows": Field(test=or_null(is_count), expected="a whole number or null"),
    "classes": Field(test=or_null(list_of(is_text)), expected="a list of texts or null"),
    "preparation": Field(test=is_object, expected="a preparation"),
    "file_times": Field(test=or_null(is_digest), expected="a SHA-256 or null", required=False),
}


def check_manifest(tree: Any) -> None:
    """Raises ValueError for a run.json that seqjobs would not write."""
    check_fields(tree, _RUN, "run.json")
    for place, fields in (("jobs", _JOB), ("trials", _TRIAL), ("datasets", _DATASET)):
        for index, part in enumerate(tree[place]):
            check_fields(part, fields, f"{place}[{index}]")
    check_distinct(_all(tree["jobs"], "name"), "names of jobs")
    check_distinct(_all(tree["trials"], "id"), "IDs of trials")
    check_distinct(_all(tree["trials"], "key"), "keys of trials")
    check_distinct(_all(tree["datasets"], "id"), "IDs of datasets")
    jobs = set(_all(tree["jobs"], "name"))
    for trial in tree["trials"]:
        if trial["job"] not in jobs:
            raise ValueError(f"trial {trial['id']} is of a job that is not there")


def _all(parts: Any, key: str) -> list[str]:
    return [part[key] for part in parts]
