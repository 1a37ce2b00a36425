"""Canonical JSON: one writing for all specs that mean the same, as the basis of ids."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.sections import CompileSpec, FitSpec, TrialSpec

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_trial(trial: TrialSpec) -> dict[str, Any]:
    """Everything in the sections that changes what a trial computes, as JSON values."""
    return {
        "data": canonical_data(trial.data),
        "model": [layer.canonical() for layer in trial.model],
        "compile": canonical_compile(trial.compile),
        "fit": canonical_fit(trial.fit),
    }


def canonical_data(data: DataSpec) -> dict[str, Any]:
    """The features as a list: their order is that of a row's numbers, and a mapping's keys are sorted in a digest."""
    plain = data.model_dump(mode="json", exclude_defaults=True, exclude={"features"})
    if data.features is not None:
        plain["features"] = [(name, column.canonical()) for name, column in data.features.items()]
    return plain


def canonical_compile(section: CompileSpec) -> dict[str, Any]:
    return {
        "optimizer": section.optimizer.canonical(),
        "loss": section.loss.canonical(),
        "metrics": [metric.canonical() for metric in section.metrics],
        "weighted_metrics": [metric.canonical() for metric in section.weighted_metrics],
    }


def canonical_fit(section: FitSpec) -> dict[str, Any]:
    plain = section.model_dump(mode="json", exclude={"callbacks"})
    return {**plain, "callbacks": [callback.canonical() for callback in section.callbacks]}


def digest(value: Any) -> str:
    """The first ten hexadecimal digits of the SHA-256 of a JSON value with sorted keys."""
    return hashlib.sha256(_ENCODER.encode(value).encode()).hexdigest()[:10]
