"""sorted_board: a leaderboard in another order, or only its top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from seqjobs.errors.problems import did_you_mean
from seqjobs.results.leaderboard import Entry, Leaderboard

FIELDS = ("rank", "trial", "job", "status", "value", "mean", "repeat", "seed", "epochs", "seconds")


def sorted_board(board: Leaderboard, column: str, names: Mapping[str, str]) -> Leaderboard:
    """Smallest first, or largest first where `column` begins with `-`; what has no value comes last.

    `names` maps hyperparameters to their short names; either is a column, as is the objective's metric. Raises
    click.BadParameter for another column.
    """
    descending = column.startswith("-")
    name = column.removeprefix("-")
    field = "value" if name == board.objective.metric else name
    keys = {key for key, short in names.items() if name in (key, short)}
    if field not in FIELDS and not keys:
        known = [*FIELDS, board.objective.metric, *names.values()]
        raise click.BadParameter(f"no column '{name}': {did_you_mean(name, known)}", param_hint="'--sort'")
    values = {entry.trial: _value(entry, field, keys) for entry in board.entries}
    known_entries = [entry for entry in board.entries if values[entry.trial] is not None]
    unknown = [entry for entry in board.entries if values[entry.trial] is None]
    known_entries.sort(key=lambda entry: _comparable(values[entry.trial]), reverse=descending)
    return replace(board, entries=(*known_entries, *unknown))


def top_of(board: Leaderboard, count: int | None) -> Leaderboard:
    """The first `count` entries, or all."""
    return board if count is None else replace(board, entries=board.entries[:count])


def _value(entry: Entry, field: str, keys: set[str]) -> Any:
    if field in FIELDS:
        value = getattr(entry, field)
        return None if value != value else value  # noqa: PLR0124 - only NaN differs from itself
    return next((entry.hyperparameters[key] for key in keys if key in entry.hyperparameters), None)


def _comparable(value: Any) -> tuple[bool, float, str]:
    """Numbers by size and before texts, which a choice may hold beside each other."""
    is_number = isinstance(value, int | float)
    return not is_number, float(value) if is_number else 0.0, "" if is_number else str(value)
