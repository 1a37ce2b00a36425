"""expand_jobs: jobs -> every trial that their specs ask for, before their data is known."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seqjobs.data.data_source import DataSource
from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.jobspec.canonical import ID_LENGTH
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.jobspec.locate import located
from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.planning.job_templates import JobTemplates
from seqjobs.planning.proposals import MAX_TRIALS, num_wanted, propose
from seqjobs.planning.resources import Resources
from seqjobs.planning.template import Template
from seqjobs.planning.trial import Trial


@dataclass(frozen=True, kw_only=True)
class TrialTable:
    """Every trial of a run, as far as the specs say: a template and a row of numbers each.

    `jobs` are in the order of their names, whatever the order in which they were given. Trials are in the order of
    jobs, assignments and repeats. How they are carried out is known once the data is, see `make_plan`.
    """

    jobs: tuple[JobSpec, ...]
    trials: tuple[Trial, ...]
    datasets: tuple[DataSource, ...]

    @property
    def objectives(self) -> tuple[ObjectiveSpec, ...]:
        """The objectives of the jobs, each once: trials with the same one rank together."""
        return tuple(dict.fromkeys(job.objective for job in self.jobs))

    @property
    def run_seconds(self) -> float:
        """The least `limits.run_time` of the jobs."""
        return min((job.limits.run_time or math.inf for job in self.jobs), default=math.inf)

    def job(self, name: str) -> JobSpec:
        return next(job for job in self.jobs if job.name == name)


def expand_jobs(jobs: Sequence[JobSpec]) -> TrialTable:
    """Return the trials of one run over `jobs`: a pure function of them, whatever their order.

    Raises:
        SpecError: E208 if two jobs share a name, E501 if the jobs make more than MAX_TRIALS trials, and what only a
            combination of values makes wrong.
    """
    _check_names(jobs)
    _check_count(jobs)
    jobs = sorted(jobs, key=lambda job: job.name)
    datasets: dict[str, DataSource] = {}
    trials: list[Trial] = []
    problems: list[Problem] = []
    places = _places_of_folders(jobs)
    for job in jobs:
        try:
            trials.extend(_trials_of(job, JobTemplates(job, places[_real_folder(job)], datasets)))
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(problems)
    return TrialTable(jobs=tuple(jobs), trials=tuple(trials), datasets=_with_uses(datasets, trials))


def resources_of(job: JobSpec) -> Resources:
    given = job.resources
    return Resources(cpus=given.cpus, gpus=given.gpus, memory=given.memory, workers=given.workers)


def _trials_of(job: JobSpec, templates: JobTemplates) -> Iterator[Trial]:
    """Yield the trials of the assignments that the search section asks for: no two of one seed mean the same."""
    wanted, resources = num_wanted(job), resources_of(job)
    found: set[tuple[str, tuple[float, ...]]] = set()
    for assignment in propose(job, wanted):
        template, numbers = templates.at(assignment)
        meaning = (template.structure, numbers)
        if meaning in found:
            continue
        number = len(found)
        found.add(meaning)
        for repeat in range(job.search.repeats):
            seed = job.seed + repeat
            key = _trial_key(job.name, template, numbers, seed=seed, resources=resources)
            yield Trial(
                id=key,
                key=key,
                job=job.name,
                number=number,
                repeat=repeat,
                seed=seed,
                hyperparameters=assignment,
                template=template,
                numbers=numbers,
                trial_seconds=job.limits.trial_time,
            )
        if len(found) == wanted:
            break


def _trial_key(job: str, template: Template, numbers: tuple[float, ...], *, seed: int, resources: Resources) -> str:
    """The CPUs are TensorFlow's threads, and sums over more threads or workers differ in their last bits."""
    text = f"{job}\n{seed}\n{resources.cpus}\n{resources.workers}\n{template.structure}\n{numbers!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


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


def _places_of_folders(jobs: Iterable[JobSpec]) -> dict[Path, str]:
    """Return a name for each folder of specs: empty for that of the first job, else the first job that is there.

    `data.parquet` next to one spec is another file than next to another; but where all of them are does not matter.
    """
    places: dict[Path, str] = {}
    for job in jobs:
        places.setdefault(_real_folder(job), job.name if places else "")
    return places


def _real_folder(job: JobSpec) -> Path:
    return job.source.folder.resolve()


def _with_uses(datasets: Mapping[str, DataSource], trials: Sequence[Trial]) -> tuple[DataSource, ...]:
    """Return the datasets with what trials do with their rows, which is not part of their IDs."""
    held_back, indexed = dict.fromkeys(datasets, 0.0), set()
    for template in {trial.template.key: trial.template for trial in trials}.values():
        if template.spec.data.validation is None:
            held_back[template.dataset] = max(held_back[template.dataset], template.spec.fit.validation_split)
        if template.spec.model[0].name == "Embedding":
            indexed.add(template.dataset)
    return tuple(
        replace(source, held_back=held_back[source.id], is_indexed=source.id in indexed) for source in datasets.values()
    )
