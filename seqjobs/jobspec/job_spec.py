"""JobSpec: the named content of one spec file, validated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.jobspec.dimensions import Dimension
from seqjobs.jobspec.document import Document
from seqjobs.jobspec.locate import located, with_assignment
from seqjobs.jobspec.sections import KeepSpec, LimitsSpec, ObjectiveSpec, ResourcesSpec, SearchSpec, TrialSpec
from seqjobs.jobspec.substitution import Assignment, Substitution, in_text, override, substitute
from seqjobs.jobspec.trial_check import check_trial
from seqjobs.jobspec.trial_sections import TRIAL_SECTIONS, Sections, read_sections


@dataclass(frozen=True, kw_only=True)
class Source:
    """The text a job was read from, as it stands in the file, and the overrides given beside it."""

    path: FilePath
    text: str
    overrides: tuple[str, ...] = ()

    @property
    def folder(self) -> FilePath:
        """What relative paths in the spec are relative to."""
        return self.path.parent


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """A job: what every trial shares, and the template and dimensions that trials are made of.

    `template` holds the sections in which dimensions may stand, as written; `trial` gives them at one assignment.
    """

    name: str
    seed: int
    search: SearchSpec
    objective: ObjectiveSpec
    resources: ResourcesSpec
    limits: LimitsSpec
    keep: KeepSpec
    template: Mapping[str, Any]
    dimensions: tuple[Dimension, ...]
    variants: tuple[Assignment, ...]
    source: Source
    document: Document
    """Where everything stands in the text."""

    def trial(self, assignment: Assignment) -> TrialSpec:
        """Return the sections with every dimension (or variant override) at the value that `assignment` gives it.

        Raises SpecError with what only this combination of values makes wrong.
        """
        problems, tree = Problems(), self._assigned(assignment)
        return self.complete(read_sections(tree, problems), tree, assignment, problems)

    def complete(
        self, sections: Sections, tree: Mapping[str, Any], assignment: Assignment, problems: Problems
    ) -> TrialSpec:
        """Check sections together that were read from `tree`, and return them as one trial.

        Raises SpecError with these `problems` and with what the sections together make wrong.
        """
        check_trial(sections, tree, self.objective, problems)
        trial = sections.complete()
        if len(problems) or trial is None:
            raise SpecError(self.locate(problems, assignment))
        return trial

    def written(self, assignment: Assignment) -> Mapping[str, Any]:
        """The sections as written, with every dimension at its value."""
        return self._assigned(assignment)

    def locate(self, problems: Iterable[Problem], assignment: Assignment) -> list[Problem]:
        """Return problems of the sections at one assignment with their places in the text; each has the values."""
        trace: list[Substitution] = []
        self._assigned(assignment, trace)
        return located([with_assignment(in_text(problem, trace), assignment) for problem in problems], self.document)

    def _assigned(self, assignment: Assignment, trace: list[Substitution] | None = None) -> dict[str, Any]:
        if not self.variants:
            return substitute(self.template, self.dimensions, assignment, trace)
        # Only a trace needs the variant's number, and looking it up takes long if there are thousands of variants.
        number = 0 if trace is None else self.variants.index(assignment)
        return override(self.template, assignment, ("variants", number), trace)


__all__ = ["TRIAL_SECTIONS", "Assignment", "JobSpec", "Source"]
