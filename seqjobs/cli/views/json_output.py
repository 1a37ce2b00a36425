"""What `-o json` prints: one object on one line, stable, without NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from seqjobs.results.damage import Damage
from seqjobs.results.leaderboard import Entry, Leaderboard
from seqjobs.results.run import Run
from seqjobs.spec.sections import ObjectiveSpec


def print_json(value: Mapping[str, Any]) -> None:
    """Everything beyond ASCII is escaped, so no string in it can act on a terminal."""
    click.echo(json.dumps(json_value(value), allow_nan=False))


def json_value(value: Any) -> Any:
    """The value with null for the numbers that JSON cannot say."""
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def run_json(run: Run) -> dict[str, Any]:
    """`{"run", "path", "status", "trials": {...}, "best", "seconds", "programs", "compile_seconds",
    "lost_attempts"}`"""
    return {
        "run": run.id,
        "path": str(run.path),
        "status": str(run.status),
        "trials": {
            "total": run.num_total,
            "finished": run.num_finished,
            "failed": run.num_failed,
            "remaining": run.num_total - run.num_finished - run.num_failed,
        },
        "best": None if run.best is None else best_json(run.best, run.leaderboards[0].objective),
        "seconds": run.seconds,
        "programs": run.compilations.programs,
        "compile_seconds": run.compilations.seconds,
        "lost_attempts": len(run.lost_attempts),
    }


def damage_json(root: Path, found: Iterable[Damage], *, set_aside: bool) -> dict[str, Any]:
    """`{"run", "path", "set_aside", "damaged": [{"path", "kind", "what", "trials"}, ...]}`"""
    return {
        "run": root.name,
        "path": str(root),
        "set_aside": set_aside,
        "damaged": [
            {
                "path": str(damage.path.relative_to(root)),
                "kind": str(damage.kind),
                "what": damage.what,
                "trials": list(damage.trials),
            }
            for damage in found
        ],
    }


def best_json(entry: Entry, objective: ObjectiveSpec) -> dict[str, Any]:
    return {
        "trial": entry.trial,
        "job": entry.job,
        "objective": _objective_json(entry, objective),
        "hyperparameters": dict(entry.hyperparameters),
    }


def leaderboard_json(run: Run, boards: Iterable[Leaderboard]) -> dict[str, Any]:
    """`{"run", "leaderboard": [...]}`; ranks start anew at each objective."""
    return {"run": run.id, "leaderboard": [_entry_json(entry, board) for board in boards for entry in board.entries]}


def _entry_json(entry: Entry, board: Leaderboard) -> dict[str, Any]:
    return {
        "rank": entry.rank,
        **best_json(entry, board.objective),
        "seconds": entry.seconds,
        "status": str(entry.status),
        "mean": entry.mean,
        "repeat": entry.repeat,
        "seed": entry.seed,
        "epochs": entry.epochs,
        "compiled": entry.compiled or None,
        "failure": entry.failure or None,
    }


def _objective_json(entry: Entry, objective: ObjectiveSpec) -> dict[str, Any]:
    return {"metric": objective.metric, "direction": objective.direction, "value": entry.value}
