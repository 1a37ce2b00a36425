"""Meaning: what the sections of a trial compute, equal for all writings that mean the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from seqjobs.jobspec.canonical import canonical_data, canonical_fit, canonical_json, digest
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.sections import CompileSpec, FitSpec, TrialSpec
from seqjobs.jobspec.trial_numbers import NumberPath, layer_numbers, optimizer_numbers, without_numbers
from seqjobs.jobspec.trial_sections import TRIAL_SECTIONS
from seqjobs.tables import Named

# Structures are compared by their digests alone, and a run may have as many of them as trials.
STRUCTURE_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class SectionMeaning:
    """What one section means."""

    structure: str
    """Everything but the numbers, as canonical JSON."""
    paths: tuple[NumberPath, ...] = ()
    """The places of its numbers, see `trial_numbers`."""
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a trial means: trials of equal meaning and seed have equal results.

    Trials of equal structure differ in numbers alone, so they can train together.
    """

    structure: str
    """A digest of everything but the numbers."""
    numbers: tuple[float, ...]


def meaning_of(trial: TrialSpec) -> Meaning:
    """Return what all sections of a trial mean together."""
    return joint_meaning(section_meanings(trial))


def section_meanings(trial: TrialSpec) -> list[SectionMeaning]:
    """Return what each section means, in the order of TRIAL_SECTIONS."""
    return [meaning_of_section(name, getattr(trial, name)) for name in TRIAL_SECTIONS]


def joint_meaning(sections: Iterable[SectionMeaning]) -> Meaning:
    """Return the meaning of sections, given in the order of TRIAL_SECTIONS."""
    sections = tuple(sections)
    return Meaning(
        structure=digest([section.structure for section in sections], length=STRUCTURE_LENGTH),
        numbers=tuple(number for section in sections for number in section.numbers),
    )


def meaning_of_section(name: str, section: Any) -> SectionMeaning:
    """Return what one section of this name means."""
    return _MEANINGS[name](section)


def _data(section: DataSpec) -> SectionMeaning:
    return SectionMeaning(structure=canonical_json(canonical_data(section)))


def _model(layers: tuple[Named, ...]) -> SectionMeaning:
    numbers = layer_numbers(layers)
    structure = canonical_json([without_numbers(layer).canonical() for layer in layers])
    return SectionMeaning(structure=structure, paths=tuple(numbers), numbers=tuple(numbers.values()))


def _compile(section: CompileSpec) -> SectionMeaning:
    numbers = optimizer_numbers(section.optimizer)
    structure = {
        "optimizer": without_numbers(section.optimizer).canonical(),
        "loss": section.loss.canonical(),
        "metrics": [metric.canonical() for metric in section.metrics],
        "weighted_metrics": [metric.canonical() for metric in section.weighted_metrics],
    }
    return SectionMeaning(structure=canonical_json(structure), paths=tuple(numbers), numbers=tuple(numbers.values()))


def _fit(section: FitSpec) -> SectionMeaning:
    return SectionMeaning(structure=canonical_json(canonical_fit(section)))


_MEANINGS: Mapping[str, Callable[[Any], SectionMeaning]] = {
    "data": _data,
    "model": _model,
    "compile": _compile,
    "fit": _fit,
}
