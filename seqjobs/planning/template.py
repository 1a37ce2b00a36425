"""Template: what trials that differ in numbers alone have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from seqjobs.jobspec.canonical import digest
from seqjobs.jobspec.meaning import STRUCTURE_LENGTH, SectionMeaning, joint_meaning, section_meanings
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.jobspec.trial_numbers import LEARNING_RATE, NumberPath, with_numbers

RATES = frozenset({"Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"})
"""The layers whose rate a program takes as an input also where its trials train one at a time."""


@dataclass(frozen=True, kw_only=True)
class Template:
    """The sections of trials, with places for numbers. Trials of one template and seed can train together.

    A run has as many templates as model architectures and settings, and far more trials: a trial is a template and a
    row of numbers.
    """

    spec: TrialSpec
    """The sections of one of the trials."""
    numbers: tuple[float, ...]
    """The numbers in `spec`."""
    paths: tuple[NumberPath, ...]
    """The place of each number."""
    dataset: str
    """The ID of the dataset that the trials read."""
    structure: str
    """A digest of everything but the numbers, see `Meaning`."""
    key: str
    """A digest of the structure and the dataset."""
    rates: tuple[int, ...]
    """Which of the numbers are rates of dropout layers, see RATES."""
    program: str
    """A digest of what shapes the program of a trial by itself, but for the numbers: not the epochs, for example."""

    @classmethod
    def of(cls, spec: TrialSpec, dataset: str) -> Template:
        """Return the template of a trial alone."""
        return cls.join(spec, dataset, section_meanings(spec))

    @classmethod
    def join(cls, spec: TrialSpec, dataset: str, sections: Sequence[SectionMeaning]) -> Template:
        """Return the template of a trial whose sections, in the order of TRIAL_SECTIONS, have these meanings."""
        meaning, (_, model, compiled, _) = joint_meaning(sections), sections
        shape = [
            *(dataset, model.structure, compiled.structure, spec.fit.batch_size, spec.fit.compile),
            # Rows with weights are other inputs; a dataset's own weights are in its ID.
            spec.fit.class_weight is not None,
        ]
        paths = tuple(path for section in sections for path in section.paths)
        return cls(
            spec=spec,
            numbers=meaning.numbers,
            paths=paths,
            rates=tuple(index for index, path in enumerate(paths) if _is_rate(spec, path)),
            dataset=dataset,
            structure=meaning.structure,
            key=digest([dataset, meaning.structure], length=STRUCTURE_LENGTH),
            program=digest(shape, length=STRUCTURE_LENGTH),
        )

    def spec_with(self, numbers: Sequence[float]) -> TrialSpec:
        """Return the sections of the trial with these numbers."""
        own = zip(self.paths, numbers, self.numbers, strict=True)
        changed = {path: number for path, number, known in own if number != known}
        return with_numbers(self.spec, changed) if changed else self.spec

    def fixed_numbers(self, numbers: tuple[float, ...]) -> tuple[float, ...]:
        """Return the numbers that are constants in the program of a trial by itself.

        The learning rate is a variable of the program, as the rates of dropout layers are. A schedule is part of its
        graph.
        """
        return tuple(numbers[index] for index in self._fixed)

    @cached_property
    def _fixed(self) -> tuple[int, ...]:
        free = {*self.rates, *(index for index, path in enumerate(self.paths) if path == LEARNING_RATE)}
        return tuple(index for index in range(len(self.paths)) if index not in free)


def _is_rate(spec: TrialSpec, path: NumberPath) -> bool:
    return path[0] == "model" and path[2:] == ("rate",) and spec.model[int(path[1])].name in RATES
