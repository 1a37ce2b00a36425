"""Leaderboard: trials ordered by the objective, repeats of one assignment together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from seqjobs.jobspec.job_spec import Assignment
from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.planning.ranking import mean_of, sort_key
from seqjobs.results.record import TrialRecord, TrialStatus


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
    """One row of a leaderboard: one trial that has ended."""

    rank: int | None
    """The rank of the trial's assignment, from 1; all its finished repeats share it. None for a failed trial."""
    trial: str
    job: str
    number: int
    """The number of the assignment in its job, from 0."""
    repeat: int
    seed: int
    status: TrialStatus
    value: float | None
    """The objective's metric at the epoch whose weights the model ended with; None for a failed trial."""
    mean: float | None
    """The mean value of the assignment's finished repeats, by which it is ranked."""
    std: float | None
    """The sample standard deviation of these values (n - 1); None for fewer than two."""
    repeats_left: int
    """How many repeats of the assignment have not ended."""
    metrics: Mapping[str, float]
    """Every metric of the trial at the same epoch as `value`, in the order of its history."""
    hyperparameters: Assignment
    epochs: int
    seconds: float
    failure: str = ""
    compiled: str = ""
    """How its steps were carried out; empty if not known."""


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """The trials of one objective that have ended, best assignment first.

    Rows of one assignment stand together, its best repeat first and failed repeats last. Assignments without a
    finished repeat come last, in the order of the plan.
    """

    objective: ObjectiveSpec
    entries: tuple[Entry, ...]

    @property
    def best(self) -> Entry | None:
        """The best repeat of the best assignment."""
        return self.entries[0] if self.entries and self.entries[0].rank is not None else None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics of its trials, the objective's first."""
        names = dict.fromkeys(name for entry in self.entries for name in entry.metrics)
        return tuple(dict.fromkeys([*({self.objective.metric} & names.keys()), *names]))


@dataclass(frozen=True, kw_only=True)
class _RankedAssignment:
    """The trials of one assignment that have ended, in the order of their rows."""

    finished: Sequence[RankedTrial]
    failed: Sequence[RankedTrial]
    mean: float | None
    std: float | None
    repeats_left: int


def rank(trials: Iterable[RankedTrial], records: Mapping[str, TrialRecord], objective: ObjectiveSpec) -> Leaderboard:
    """Rank the trials that have a record: assignments by the mean of their finished repeats, ties by job and number."""
    groups: dict[tuple[str, int], list[RankedTrial]] = {}
    for trial in trials:
        groups.setdefault((trial.job, trial.number), []).append(trial)
    jobs = {job: index for index, job in enumerate(dict.fromkeys(job for job, _ in groups))}
    in_order = [groups[key] for key in sorted(groups, key=lambda key: (jobs[key[0]], key[1]))]
    assignments = [_assignment(repeats, records, objective) for repeats in in_order]
    finished = [assignment for assignment in assignments if assignment.finished]
    # Sorting is stable: ties keep their order.
    finished.sort(key=lambda assignment: sort_key(assignment.mean, objective))
    entries: list[Entry] = []
    for place, assignment in enumerate(finished, start=1):
        entries += [_entry(trial, records[trial.id], assignment, place) for trial in assignment.finished]
        entries += [_entry(trial, records[trial.id], assignment, None) for trial in assignment.failed]
    for assignment in assignments:
        if not assignment.finished:
            entries += [_entry(trial, records[trial.id], assignment, None) for trial in assignment.failed]
    return Leaderboard(objective=objective, entries=tuple(entries))


def _assignment(
    repeats: Sequence[RankedTrial], records: Mapping[str, TrialRecord], objective: ObjectiveSpec
) -> _RankedAssignment:
    ended = sorted((trial for trial in repeats if trial.id in records), key=lambda trial: trial.repeat)
    finished = [trial for trial in ended if records[trial.id].status is TrialStatus.FINISHED]
    values = [value for value in (records[trial.id].value for trial in finished) if value is not None]
    return _RankedAssignment(
        finished=sorted(finished, key=lambda trial: sort_key(records[trial.id].value, objective)),
        failed=[trial for trial in ended if records[trial.id].status is not TrialStatus.FINISHED],
        mean=mean_of(values),
        std=_standard_deviation(values),
        repeats_left=len(repeats) - len(ended),
    )


def _standard_deviation(values: Sequence[float]) -> float | None:
    mean = mean_of(values)
    if mean is None or len(values) < 2:
        return None
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _entry(trial: RankedTrial, record: TrialRecord, assignment: _RankedAssignment, place: int | None) -> Entry:
    return Entry(
        rank=place,
        trial=trial.id,
        job=trial.job,
        number=trial.number,
        repeat=trial.repeat,
        seed=trial.seed,
        status=record.status,
        value=record.value,
        mean=assignment.mean,
        std=assignment.std,
        repeats_left=assignment.repeats_left,
        metrics=record.metrics,
        hyperparameters=trial.hyperparameters,
        epochs=record.epochs,
        seconds=record.seconds,
        failure=f"{record.failure.cause}: {record.failure.message}" if record.failure else "",
        compiled=record.compiled,
    )


def kept_trials(leaderboards: Iterable[Leaderboard], keep: Mapping[str, int]) -> frozenset[str]:
    """Return the trials whose weights are kept: the best repeat of each of a job's best assignments.

    `keep` is how many assignments that are, by the job's name. An assignment with repeats left may still become one
    of the best, so the weights of its best repeat so far are kept too.
    """
    left, kept = dict(keep), []
    seen: set[tuple[str, int]] = set()
    for entry in (entry for board in leaderboards for entry in board.entries if entry.rank is not None):
        if (entry.job, entry.number) in seen:
            continue
        seen.add((entry.job, entry.number))
        if keep[entry.job] > 0 and entry.repeats_left:
            kept.append(entry.trial)
        elif left[entry.job] > 0:
            left[entry.job] -= 1
            kept.append(entry.trial)
    return frozenset(kept)


def rank_jobs(
    objectives: Mapping[str, ObjectiveSpec], trials: Iterable[RankedTrial], records: Mapping[str, TrialRecord]
) -> tuple[Leaderboard, ...]:
    """Return one leaderboard per objective, in the order of the jobs: trials with the same objective rank together."""
    by_objective: dict[ObjectiveSpec, list[RankedTrial]] = {objective: [] for objective in objectives.values()}
    for trial in trials:
        by_objective[objectives[trial.job]].append(trial)
    return tuple(rank(members, records, objective) for objective, members in by_objective.items())
