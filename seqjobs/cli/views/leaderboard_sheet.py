"""leaderboard_sheet: a leaderboard as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.cli.views.numbers import shown_duration, shown_metric, shown_value
from seqjobs.cli.views.printable import printable
from seqjobs.cli.views.sheet import Column, Sheet
from seqjobs.cli.views.short_names import hyperparameter_keys, short_names
from seqjobs.results.leaderboard import Entry, Leaderboard
from seqjobs.results.run import Run

FIXED_TITLES = ("#", "trial", "job", "mean", "seed", "epochs", "time", "status", "rank", "value", "seconds", "repeat")


def names_of(run: Run) -> Mapping[str, str]:
    """The short name of every hyperparameter of the run, so that a name means the same in all its tables."""
    keys = hyperparameter_keys(trial.hyperparameters for trial in run.trials)
    metrics = [board.objective.metric for board in run.leaderboards]
    return short_names(keys, taken=(*FIXED_TITLES, *metrics))


def title_of(board: Leaderboard) -> str:
    """`val_accuracy (maximize)`"""
    return f"{printable(board.objective.metric)} ({board.objective.direction})"


def leaderboard_sheet(board: Leaderboard, names: Mapping[str, str], top: int | None = None) -> Sheet:
    """A row for each of the first `top` entries; a column stands only where it tells trials of the board apart."""
    return Sheet(columns=tuple(_columns(board, board.entries[:top], names)))


def _columns(board: Leaderboard, entries: tuple[Entry, ...], names: Mapping[str, str]) -> Iterator[Column]:
    ranks = tuple("-" if entry.rank is None else f"{entry.rank:,}" for entry in entries)
    yield Column(title="#", cells=ranks, right=True)
    yield Column(title="trial", cells=tuple(entry.trial for entry in entries))
    if len({entry.job for entry in board.entries}) > 1:
        yield Column(title="job", cells=tuple(printable(entry.job) for entry in entries))
    metric = printable(board.objective.metric)
    yield Column(title=metric, cells=tuple(shown_metric(entry.value) for entry in entries), right=True, style="bold")
    if any(entry.repeat for entry in board.entries):
        yield Column(title="mean", cells=tuple(shown_metric(entry.mean) for entry in entries), right=True)
        yield Column(title="seed", cells=tuple(str(entry.seed) for entry in entries), right=True)
    if len({entry.status for entry in board.entries}) > 1:
        yield Column(title="status", cells=tuple(str(entry.status) for entry in entries))
    for key in hyperparameter_keys(entry.hyperparameters for entry in board.entries):
        values = [entry.hyperparameters.get(key, "") for entry in entries]
        right = all(isinstance(value, int | float) or value == "" for value in values)
        cells = tuple(shown_value(value) for value in values)
        yield Column(title=printable(names.get(key, key)), cells=cells, right=right, optional=True)
    yield Column(title="epochs", cells=tuple(str(entry.epochs) for entry in entries), right=True, optional=True)
    yield Column(
        title="time", cells=tuple(shown_duration(entry.seconds) for entry in entries), right=True, optional=True
    )
