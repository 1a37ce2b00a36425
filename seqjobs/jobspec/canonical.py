"""Canonical JSON: one writing for all values that mean the same, as the basis of IDs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.sections import FitSpec

ID_LENGTH = 10
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_data(data: DataSpec) -> dict[str, Any]:
    """The features as a list: their order is that of a row's numbers, and a mapping's keys are sorted in a digest."""
    plain = data.model_dump(mode="json", exclude_defaults=True, exclude={"features"})
    if data.features is not None:
        plain["features"] = [(name, column.canonical()) for name, column in data.features.items()]
    return plain


def canonical_fit(section: FitSpec) -> dict[str, Any]:
    plain = section.model_dump(mode="json", exclude={"callbacks"})
    return {**plain, "callbacks": [callback.canonical() for callback in section.callbacks]}


def canonical_json(value: Any) -> str:
    """Return a JSON value as text with sorted keys."""
    return _ENCODER.encode(value)


def digest(value: Any, *, length: int = ID_LENGTH) -> str:
    """Return the first hexadecimal digits of the SHA-256 of a JSON value with sorted keys."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]
