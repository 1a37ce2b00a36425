"""Leaderboards as tables, CSV and Markdown, in any order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import click

from seqjobs.cli.views.formatting import hyperparameter_keys, short_names, shown_duration, shown_metric, shown_value
from seqjobs.cli.views.tables import Column, Table
from seqjobs.errors.printable import printable, printable_block
from seqjobs.errors.problems import did_you_mean
from seqjobs.results.leaderboard import Entry, Leaderboard
from seqjobs.results.run import Run

SORT_FIELDS = ("rank", "trial", "job", "status", "value", "mean", "std", "repeat", "seed", "epochs", "seconds")
FIXED_TITLES = ("#", "time", *SORT_FIELDS)


def names_of(run: Run) -> Mapping[str, str]:
    """Return the short name of every hyperparameter of the run; a name means the same in all its tables."""
    keys = hyperparameter_keys(trial.hyperparameters for trial in run.trials)
    metrics = [name for board in run.leaderboards for name in (board.objective.metric, *board.metrics)]
    return short_names(keys, taken=(*FIXED_TITLES, *metrics))


def title_of(board: Leaderboard) -> str:
    """`val_accuracy (maximize)`"""
    return f"{printable(board.objective.metric)} ({board.objective.direction})"


def leaderboard_table(board: Leaderboard, names: Mapping[str, str], top: int | None = None) -> Table:
    """Return a row for each of the first `top` entries; a column is there only if the board's trials differ in it."""
    return Table(columns=tuple(_columns(board, board.entries[:top], names)))


def _columns(board: Leaderboard, entries: tuple[Entry, ...], names: Mapping[str, str]) -> Iterator[Column]:
    ranks = tuple("-" if entry.rank is None else f"{entry.rank:,}" for entry in entries)
    yield Column(title="#", cells=ranks, right=True)
    yield Column(title="trial", cells=tuple(entry.trial for entry in entries), whole=True)
    if len({entry.job for entry in board.entries}) > 1:
        yield Column(title="job", cells=tuple(printable(entry.job) for entry in entries), optional=True)
    metric = printable(board.objective.metric)
    yield Column(title=metric, cells=tuple(shown_metric(entry.value) for entry in entries), right=True, style="bold")
    if any(entry.repeat for entry in board.entries):
        yield Column(
            title="mean", cells=tuple(shown_metric(entry.mean) for entry in entries), right=True, optional=True
        )
        yield Column(title="std", cells=tuple(shown_metric(entry.std) for entry in entries), right=True, optional=True)
        yield Column(title="seed", cells=tuple(str(entry.seed) for entry in entries), right=True, optional=True)
    if len({entry.status for entry in board.entries}) > 1:
        yield Column(title="status", cells=tuple(str(entry.status) for entry in entries))
    for key in hyperparameter_keys(entry.hyperparameters for entry in board.entries):
        values = [entry.hyperparameters.get(key, "") for entry in entries]
        right = all(isinstance(value, int | float) or value == "" for value in values)
        cells = tuple(shown_value(value) for value in values)
        yield Column(title=printable(names.get(key, key)), cells=cells, right=right, optional=True)
    for name in board.metrics:
        if name != board.objective.metric:
            cells = tuple(shown_metric(entry.metrics.get(name)) for entry in entries)
            yield Column(title=printable(name), cells=cells, right=True, optional=True)
    yield Column(title="epochs", cells=tuple(str(entry.epochs) for entry in entries), right=True, optional=True)
    times = tuple(shown_duration(entry.seconds) for entry in entries)
    yield Column(title="time", cells=times, right=True, optional=True)


def print_csv(boards: tuple[Leaderboard, ...]) -> None:
    """Print the columns of leaderboard.csv, numbers in full; several objectives below one another."""
    # Imported here: Arrow takes longer to load than any other format takes to print.
    from seqjobs.results.tables import leaderboard_csv  # noqa: PLC0415

    # A cell may begin like a formula only once an escape before it is removed.
    click.echo(leaderboard_csv(boards, shown=printable_block), nl=False)


def print_markdown(boards: Iterable[Leaderboard], names: Mapping[str, str], top: int | None) -> None:
    """Print a GitHub table for each objective."""
    for board in boards:
        if board.entries:
            click.echo(f"### {title_of(board)}\n\n{leaderboard_table(board, names, top).markdown()}\n")


def sorted_board(board: Leaderboard, column: str, names: Mapping[str, str]) -> Leaderboard:
    """Return the board with the smallest value first, or the largest if `column` begins with `-`; no value comes last.

    Args:
        board: The leaderboard to sort.
        column: A field, a metric, or a hyperparameter by its full or its short name.
        names: Hyperparameters -> their short names.

    Raises:
        click.BadParameter: If there is no such column.
    """
    descending = column.startswith("-")
    name = column.removeprefix("-")
    sort_field = "value" if name == board.objective.metric else name
    keys = {key for key, short in names.items() if name in (key, short)}
    if sort_field not in (*SORT_FIELDS, *board.metrics) and not keys:
        known = [*SORT_FIELDS, board.objective.metric, *board.metrics, *names.values()]
        what = f"no column '{name}': {did_you_mean(name, known)}"
        raise click.BadParameter(printable(what), param_hint="'--sort'")
    values = {entry.trial: _value(entry, sort_field, keys) for entry in board.entries}
    known_entries = [entry for entry in board.entries if values[entry.trial] is not None]
    unknown = [entry for entry in board.entries if values[entry.trial] is None]
    known_entries.sort(key=lambda entry: _comparable(values[entry.trial]), reverse=descending)
    return replace(board, entries=(*known_entries, *unknown))


def top_of(board: Leaderboard, count: int | None) -> Leaderboard:
    """Return the board with its first `count` entries, or all."""
    return board if count is None else replace(board, entries=board.entries[:count])


def _value(entry: Entry, sort_field: str, keys: set[str]) -> Any:
    if sort_field in SORT_FIELDS:
        value = getattr(entry, sort_field)
        return None if value != value else value  # noqa: PLR0124 - only NaN differs from itself
    if sort_field in entry.metrics:
        value = entry.metrics[sort_field]
        return None if math.isnan(value) else value
    return next((entry.hyperparameters[key] for key in keys if key in entry.hyperparameters), None)


def _comparable(value: Any) -> tuple[bool, float, str]:
    """Order numbers by size and before texts: a choice may hold both."""
    is_number = isinstance(value, int | float)
    return not is_number, float(value) if is_number else 0.0, "" if is_number else str(value)
