"""Leaderboard: trials ordered by the objective."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from seqjobs.planning.ranking import sort_key
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.spec.job_spec import Assignment
from seqjobs.spec.sections import ObjectiveSpec


class RankedTrial(Protocol):
    """What ranking needs of a trial, planned or read back from a run folder."""

    @property
    def id(self) -> str: ...
    @property
    def job(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def repeat(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def hyperparameters(self) -> Assignment: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One row: `rank` counts from 1; a failed trial has none. `mean` is over the assignment's finished repeats."""

    rank: int | None
    trial: str
    job: str
    number: int
    repeat: int
    seed: int
    status: TrialStatus
    value: float | None
    mean: float | None
    hyperparameters: Assignment
    epochs: int
    seconds: float
    failure: str = ""
    compiled: str = ""
    """How its steps were carried out; empty where it is not known."""


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """The trials of one objective, best first; failed ones last, in the order of the plan."""

    objective: ObjectiveSpec
    entries: tuple[Entry, ...]

    @property
    def best(self) -> Entry | None:
        return self.entries[0] if self.entries and self.entries[0].rank is not None else None


def rank(trials: Iterable[RankedTrial], records: Mapping[str, TrialRecord], objective: ObjectiveSpec) -> Leaderboard:
    """The leaderboard of the trials that have a record. Ties keep the order of job, assignment and repeat."""
    known = [trial for trial in trials if trial.id in records]
    means = _means(known, records)
    finished = [trial for trial in known if records[trial.id].status is TrialStatus.FINISHED]
    # Sorting is stable: ties keep their order.
    finished.sort(key=lambda trial: sort_key(records[trial.id].value, objective))
    failed = [trial for trial in known if records[trial.id].status is not TrialStatus.FINISHED]
    entries = [
        *(_entry(trial, records[trial.id], means, place) for place, trial in enumerate(finished, start=1)),
        *(_entry(trial, records[trial.id], means, None) for trial in failed),
    ]
    return Leaderboard(objective=objective, entries=tuple(entries))


def _means(trials: Iterable[RankedTrial], records: Mapping[str, TrialRecord]) -> dict[tuple[str, int], float]:
    values: dict[tuple[str, int], list[float]] = {}
    for trial in trials:
        value = records[trial.id].value
        if value is not None:
            values.setdefault((trial.job, trial.number), []).append(value)
    # Not math.fsum, which raises where an infinity, or a sum beyond the largest float, is among the values.
    return {key: sum(found) / len(found) for key, found in values.items()}


def _entry(trial: RankedTrial, record: TrialRecord, means: Mapping[tuple[str, int], float], place: int | None) -> Entry:
    return Entry(
        rank=place,
        trial=trial.id,
        job=trial.job,
        number=trial.number,
        repeat=trial.repeat,
        seed=trial.seed,
        status=record.status,
        value=record.value,
        mean=means.get((trial.job, trial.number)),
        hyperparameters=trial.hyperparameters,
        epochs=record.epochs,
        seconds=record.seconds,
        failure=f"{record.failure.cause}: {record.failure.message}" if record.failure else "",
        compiled=record.compiled,
    )


def kept_trials(leaderboards: Iterable[Leaderboard], keep: Mapping[str, int]) -> frozenset[str]:
    """The trials whose weights are kept: the best of each job, as many as `keep` says by the job's name."""
    left, kept = dict(keep), []
    for entry in (entry for board in leaderboards for entry in board.entries if entry.rank is not None):
        if left[entry.job] > 0:
            left[entry.job] -= 1
            kept.append(entry.trial)
    return frozenset(kept)


def rank_jobs(
    objectives: Mapping[str, ObjectiveSpec], trials: Iterable[RankedTrial], records: Mapping[str, TrialRecord]
) -> tuple[Leaderboard, ...]:
    """One leaderboard for each objective, in the order of the jobs: trials with the same objective rank together."""
    by_objective: dict[ObjectiveSpec, list[RankedTrial]] = {objective: [] for objective in objectives.values()}
    for trial in trials:
        by_objective[objectives[trial.job]].append(trial)
    return tuple(rank(members, records, objective) for objective, members in by_objective.items())
