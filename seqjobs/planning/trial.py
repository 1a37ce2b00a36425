"""Trial and Pack: what is trained, and what is dispatched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seqjobs.jobspec.canonical import digest
from seqjobs.jobspec.job_spec import Assignment
from seqjobs.jobspec.quantities import Stall
from seqjobs.jobspec.sections import ObjectiveSpec, TrialSpec
from seqjobs.jobspec.trial_numbers import NumberPath
from seqjobs.planning.compile_rule import Compiler
from seqjobs.planning.resources import Resources
from seqjobs.planning.template import Template


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One complete assignment of hyperparameters, fitted once.

    `number` counts the job's assignments from 0, `repeat` the trainings of one assignment.
    """

    id: str
    """A hash of all that changes the result: the key and what was chosen, see `Choice`. Until then it is the key."""
    job: str
    number: int
    repeat: int
    seed: int
    hyperparameters: Assignment
    template: Template
    numbers: tuple[float, ...]
    """What the trial has at the places of its template."""
    trial_seconds: float | None = None
    """The most time it may train."""
    key: str = ""
    """A hash of what the spec says of the result: the name of the job, the sections, the seed and the CPUs."""

    @property
    def spec(self) -> TrialSpec:
        """The sections, made anew at each call; what has no free numbers, such as `fit`, is that of the template."""
        return self.template.spec_with(self.numbers)

    @property
    def numbers_by_path(self) -> dict[NumberPath, float]:
        """The numbers by where they are, in the same order for all trials of the template."""
        return dict(zip(self.template.paths, self.numbers, strict=True))

    @property
    def dataset(self) -> str:
        """The ID of the dataset that it reads."""
        return self.template.dataset

    @property
    def program_key(self) -> str:
        """A digest of what trials must have in common to share one program, one at a time."""
        return digest([self.template.program, self.template.fixed_numbers(self.numbers)])

    def with_spec(self, spec: TrialSpec) -> Trial:
        """Return the trial with other sections over the same dataset."""
        template = Template.of(spec, self.dataset)
        return replace(self, template=template, numbers=template.numbers)


_LOSS = ObjectiveSpec(metric="loss", direction="minimize")


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Trials of one program key that train together; what the executor dispatches."""

    id: str
    program_key: str
    trials: tuple[Trial, ...]
    resources: Resources
    retries: int
    """How often it is tried again after killing its worker."""
    checkpoint_seconds: float = 60.0
    """After how long it is saved, so that it can go on from there."""
    stall: Stall = "auto"
    """For how long its worker may tell of nothing, in seconds."""
    reason: str = ""
    """Why it has one place, where it has."""
    size: int = 1
    """How many places its program has: 1 for one trial at a time, else at least as many as there are trials."""
    objective: ObjectiveSpec = _LOSS
    """What its trials are ranked by."""
    keep_best: int = 1
    """How many of them, the best by value, may keep their weights."""
    compiler: Compiler = Compiler.GRAPH
    """The compiler of trials that train by themselves."""

    @property
    def template(self) -> Template:
        """What all its trials have in common but for numbers and seed."""
        return self.trials[0].template

    @property
    def dataset(self) -> str:
        """The dataset that all its trials read."""
        return self.template.dataset


def pack_id(trials: Sequence[Trial]) -> str:
    """An id out of those of the trials."""
    return digest({"trials": [trial.id for trial in trials]})
