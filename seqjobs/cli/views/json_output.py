"""What `-o json` prints: one object on one line, stable, without NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click

from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.results.leaderboard import Entry, Leaderboard
from seqjobs.results.run import Run


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object. Everything beyond ASCII is escaped, so no string in it can act on a terminal."""
    text = json.dumps(json_value(value), allow_nan=False)
    click.echo(text.replace("\x7f", "\\u007f"))  # DEL is the one control character that `json` leaves as it is


def json_value(value: Any) -> Any:
    """Return what `json` can write: dataclasses as objects, paths as strings, null for numbers that JSON lacks."""
    if is_dataclass(value):
        return {field.name: json_value(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def run_json(run: Run) -> dict[str, Any]:
    """`{"run", "path", "status", "trials": {...}, "best", "seconds", "programs", "compile_seconds",
    "lost_attempts"}`"""
    return {
        "run": run.id,
        "path": run.path,
        "status": run.status,
        "trials": {
            "total": run.num_total,
            "finished": run.num_finished,
            "failed": run.num_failed,
            "remaining": run.num_total - run.num_finished - run.num_failed,
        },
        "best": None if run.best is None else _trial_json(run.best, run.leaderboards[0].objective),
        "seconds": run.seconds,
        "programs": run.compilations.programs,
        "compile_seconds": run.compilations.seconds,
        "lost_attempts": len(run.lost_attempts),
    }


def leaderboard_json(run: Run, boards: Iterable[Leaderboard]) -> dict[str, Any]:
    """`{"run", "leaderboard": [...]}`; each objective has its own ranks from 1."""
    return {"run": run.id, "leaderboard": [_entry_json(entry, board) for board in boards for entry in board.entries]}


def _entry_json(entry: Entry, board: Leaderboard) -> dict[str, Any]:
    return {
        "rank": entry.rank,
        **_trial_json(entry, board.objective),
        "seconds": entry.seconds,
        "status": entry.status,
        "mean": entry.mean,
        "std": entry.std,
        "metrics": entry.metrics,
        "repeat": entry.repeat,
        "seed": entry.seed,
        "epochs": entry.epochs,
        "compiled": entry.compiled or None,
        "failure": entry.failure or None,
    }


def _trial_json(entry: Entry, objective: ObjectiveSpec) -> dict[str, Any]:
    return {
        "trial": entry.trial,
        "job": entry.job,
        "objective": {"metric": objective.metric, "direction": objective.direction, "value": entry.value},
        "hyperparameters": entry.hyperparameters,
    }
