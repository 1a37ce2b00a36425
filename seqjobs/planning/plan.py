"""make_plan: jobs -> the complete, printable, effect-free description of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from seqjobs.data.data_source import DataSource
from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.jobspec.canonical import canonical_data, digest
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.jobspec.locate import located
from seqjobs.jobspec.sections import ObjectiveSpec, TrialSpec
from seqjobs.planning.assignments import MAX_TRIALS, assigned_trials, num_wanted
from seqjobs.planning.cycles import seldom_sought
from seqjobs.planning.plan_keys import PlanKeys
from seqjobs.planning.resources import Resources
from seqjobs.planning.trial import Pack, Trial, pack_id


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run will do. Holds no clock, no path of the run and nothing of the cluster.

    `jobs` are in the order of their names, whatever the order in which they were given.
    """

    jobs: tuple[JobSpec, ...]
    packs: tuple[Pack, ...]
    datasets: tuple[DataSource, ...]

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, in the order of jobs, assignments and repeats; packs are dispatched in an order of their own."""
        jobs = {job.name: index for index, job in enumerate(self.jobs)}
        trials = (trial for pack in self.packs for trial in pack.trials)
        return tuple(sorted(trials, key=lambda trial: (jobs[trial.job], trial.number, trial.repeat)))

    @property
    def objectives(self) -> tuple[ObjectiveSpec, ...]:
        """The objectives of the jobs, each once: trials with the same one rank together."""
        return tuple(dict.fromkeys(job.objective for job in self.jobs))

    @property
    def run_seconds(self) -> float:
        """The least `limits.run_time` of the jobs."""
        return min((job.limits.run_time or math.inf for job in self.jobs), default=math.inf)

    @property
    def num_programs(self) -> int:
        return len({pack.program_key for pack in self.packs})

    def job(self, name: str) -> JobSpec:
        return next(job for job in self.jobs if job.name == name)


def make_plan(jobs: Sequence[JobSpec]) -> Plan:
    """The plan of one run over `jobs`; a pure function of them, whatever their order.

    Every pack holds one trial; which train together is known once the data is, and so are the IDs of trials
    (`packing.packed`). Raises SpecError where two jobs share a name (E208), the jobs make more than MAX_TRIALS trials
    (E501), or only a combination of values is wrong.
    """
    _check_names(jobs)
    _check_count(jobs)
    with seldom_sought():
        return _plan_of(sorted(jobs, key=lambda job: job.name))


def _plan_of(jobs: Sequence[JobSpec]) -> Plan:
    datasets: dict[str, DataSource] = {}
    trials: list[Trial] = []
    problems: list[Problem] = []
    keys = PlanKeys()
    places = _places_of_folders(jobs)
    for job in jobs:
        try:
            trials.extend(_trials_of(job, datasets, keys, places[_real_folder(job)]))
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(problems)
    packs = _packs_of_one(jobs, trials, keys)
    order = {key: index for index, key in enumerate(dict.fromkeys(pack.shared_key for pack in packs))}
    # Repeats of one assignment follow one another, so that few assignments are incomplete at a time: the weights of
    # those are kept, whatever their values.
    packs.sort(key=lambda pack: order[pack.shared_key])
    return Plan(jobs=tuple(jobs), packs=tuple(packs), datasets=_with_uses(datasets, trials))


def _with_uses(datasets: Mapping[str, DataSource], trials: Sequence[Trial]) -> tuple[DataSource, ...]:
    """Return the datasets with what trials do with their rows, which is not part of their ids."""
    held_back, indexed = dict.fromkeys(datasets, 0.0), set()
    for trial in trials:
        if trial.spec.data.validation is None:
            held_back[trial.dataset] = max(held_back[trial.dataset], trial.spec.fit.validation_split)
        if trial.spec.model[0].name == "Embedding":
            indexed.add(trial.dataset)
    return tuple(
        replace(source, held_back=held_back[source.id], is_indexed=source.id in indexed) for source in datasets.values()
    )


def _check_names(jobs: Sequence[JobSpec]) -> None:
    seen: dict[str, JobSpec] = {}
    for job in jobs:
        other = seen.setdefault(job.name, job)
        if other is not job:
            problems = Problems()
            what = f"another job is also named '{job.name}', in {other.document.place(('name',))}"
            problems.add("E208", ("name",), what, fix="rename one of them.")
            raise SpecError(located(problems, job.document))


def _check_count(jobs: Sequence[JobSpec]) -> None:
    """Before any trial is made, for memory ends before patience does."""
    counts = [num_wanted(job) * job.search.repeats for job in jobs]
    if sum(counts) > MAX_TRIALS:
        largest = jobs[counts.index(max(counts))]
        problems = Problems()
        what = f"the {len(jobs)} jobs make {sum(counts):,} trials, and a run has at most {MAX_TRIALS:,}"
        problems.add("E501", ("search",), what, fix="ask for fewer trials, or submit the jobs one by one.", at="key")
        raise SpecError(located(problems, largest.document))


def _places_of_folders(jobs: Sequence[JobSpec]) -> dict[Path, str]:
    """Return a name for each folder of specs: empty for that of the first job, else the first job that is there.

    `data.parquet` next to one spec is another file than next to another; but where all of them are does not matter.
    """
    places: dict[Path, str] = {}
    for job in jobs:
        places.setdefault(_real_folder(job), job.name if places else "")
    return places


def _real_folder(job: JobSpec) -> Path:
    return job.source.folder.resolve()


def _trials_of(job: JobSpec, datasets: dict[str, DataSource], keys: PlanKeys, place: str) -> list[Trial]:
    trials = []
    sources: dict[tuple[int, float], DataSource] = {}
    for number, (assignment, spec, meaning) in enumerate(assigned_trials(job, keys)):
        # Trials share their sections.
        key = (id(spec.data), spec.fit.validation_split)
        source = sources.get(key) or sources.setdefault(key, _data_source(job, spec, place))
        datasets.setdefault(source.id, source)
        for repeat in range(job.search.repeats):
            seed = job.seed + repeat
            trial_key = keys.trial_key(meaning, job=job.name, seed=seed, resources=_resources_of(job))
            trials.append(
                Trial(
                    id=trial_key,
                    key=trial_key,
                    job=job.name,
                    number=number,
                    repeat=repeat,
                    seed=seed,
                    hyperparameters=assignment,
                    spec=spec,
                    dataset=source.id,
                    trial_seconds=job.limits.trial_time,
                )
            )
    return trials


def _data_source(job: JobSpec, spec: TrialSpec, place: str) -> DataSource:
    folder, data = job.source.folder.absolute(), spec.data
    said = canonical_data(data)
    if place:
        said["place"] = place
    held_back = spec.fit.validation_split if data.learns and data.validation is None else 0.0
    if held_back:
        said["validation_split"] = held_back
    return DataSource(id=digest(said), spec=data, folder=folder, validation_split=held_back)


def _packs_of_one(jobs: Sequence[JobSpec], trials: Sequence[Trial], keys: PlanKeys) -> list[Pack]:
    by_name = {job.name: job for job in jobs}
    resources = {job.name: _resources_of(job) for job in jobs}
    packs = []
    for trial in trials:
        job = by_name[trial.job]
        packs.append(
            Pack(
                id=pack_id([trial]),
                program_key=keys.program_key(trial.spec, trial.dataset),
                shared_key=keys.shared_key(trial.spec, trial.dataset),
                trials=(trial,),
                resources=resources[job.name],
                retries=job.limits.retries,
                checkpoint_seconds=job.limits.checkpoint,
                stall=job.limits.stall,
                objective=job.objective,
                # The mean over repeats decides which assignment is best, and a pack knows one repeat of each.
                keep_best=job.keep.best if job.search.repeats == 1 else min(job.keep.best, 1) * MAX_TRIALS,
            )
        )
    return packs


def _resources_of(job: JobSpec) -> Resources:
    given = job.resources
    return Resources(cpus=given.cpus, gpus=given.gpus, memory=given.memory, workers=given.workers)
