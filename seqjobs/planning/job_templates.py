"""JobTemplates: the sections of a job at thousands of assignments, each distinct one read and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from seqjobs.data.data_source import DataSource
from seqjobs.errors.problems import Problems
from seqjobs.jobspec.canonical import canonical_data, digest
from seqjobs.jobspec.dimensions import Dimension
from seqjobs.jobspec.job_spec import Assignment, JobSpec
from seqjobs.jobspec.meaning import SectionMeaning, meaning_of_section
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.jobspec.substitution import substitute
from seqjobs.jobspec.trial_numbers import is_free, number_path
from seqjobs.jobspec.trial_sections import TRIAL_SECTIONS, Sections, read_section
from seqjobs.planning.template import Template


@dataclass(frozen=True, kw_only=True, eq=False)
class _Section:
    """One section at some of the assignments: they differ in free numbers alone."""

    value: Any
    """None if it has mistakes, which are in `problems`."""
    problems: Problems
    written: Any
    meaning: SectionMeaning
    places: tuple[tuple[str, int], ...]
    """Keys of dimensions, and which of the section's numbers each of them is."""

    def numbers_at(self, assignment: Assignment) -> tuple[float, ...]:
        if not self.places:
            return self.meaning.numbers
        numbers = list(self.meaning.numbers)
        for key, index in self.places:
            numbers[index] = float(assignment[key])
        return tuple(numbers)


@final
class JobTemplates:
    """The templates of one job, each read and checked once, whatever the number of its trials.

    A dimension and the choices that it depends on are in one section. So a section is a function of the values of its
    dimensions, and the value of a dimension that is a free number changes nothing else in the section.
    """

    def __init__(self, job: JobSpec, place: str, datasets: dict[str, DataSource]) -> None:
        self._job = job
        self._place = place
        self._datasets = datasets
        self._dimensions: dict[str, list[Dimension]] = {name: [] for name in TRIAL_SECTIONS}
        for dimension in job.dimensions:
            self._dimensions[str(dimension.at.place[0])].append(dimension)
        self._free = {dimension.key: number_path(dimension.at.place) for dimension in job.dimensions}
        self._sections: dict[tuple[str, object], _Section] = {}
        self._joined: dict[tuple[_Section, ...], Template] = {}
        self._templates: dict[str, Template] = {}
        self._sources: dict[tuple[_Section, float], str] = {}

    def at(self, assignment: Assignment) -> tuple[Template, tuple[float, ...]]:
        """Return the template and the numbers of one assignment. Raises SpecError for a wrong combination of values."""
        written = self._job.written(assignment) if self._job.variants else None
        sections = tuple(self._section(name, assignment, written) for name in TRIAL_SECTIONS)
        template = self._joined.get(sections)
        if template is None:
            template = self._joined[sections] = self._join(sections, assignment)
        return template, tuple(number for section in sections for number in section.numbers_at(assignment))

    def _section(self, name: str, assignment: Assignment, written: Mapping[str, Any] | None) -> _Section:
        dimensions = self._dimensions[name]
        # Not by `==`, for which 1 is True.
        key = (
            repr(written.get(name))
            if written is not None
            else tuple(
                [None if self._is_free(made, assignment) else repr(assignment.get(made.key)) for made in dimensions]
            )
        )
        section = self._sections.get((name, key))
        if section is None:
            section = self._sections[name, key] = self._read(name, assignment, written)
        return section

    def _is_free(self, dimension: Dimension, assignment: Assignment) -> bool:
        path = self._free[dimension.key]
        return path is not None and is_free(str(path[-1]), assignment.get(dimension.key))

    def _read(self, name: str, assignment: Assignment, written: Mapping[str, Any] | None) -> _Section:
        tree, dimensions = written, self._dimensions[name]
        if tree is None:
            template = self._job.template
            tree = substitute({name: template[name]} if name in template else {}, dimensions, assignment)
        problems = Problems()
        value = read_section(name, tree, problems)
        meaning = SectionMeaning(structure="") if value is None else meaning_of_section(name, value)
        index = {path: index for index, path in enumerate(meaning.paths)}
        free = [(made.key, self._free[made.key]) for made in dimensions if self._is_free(made, assignment)]
        places = tuple((key, index[path]) for key, path in free if path in index)
        return _Section(value=value, problems=problems, written=tree.get(name), meaning=meaning, places=places)

    def _join(self, sections: tuple[_Section, ...], assignment: Assignment) -> Template:
        problems = Problems()
        for section in sections:
            problems.extend(section.problems)
        read = Sections(**{name: section.value for name, section in zip(TRIAL_SECTIONS, sections, strict=True)})
        tree = {name: section.written for name, section in zip(TRIAL_SECTIONS, sections, strict=True)}
        spec = self._job.complete(read, tree, assignment, problems)
        template = Template.join(spec, self._dataset(sections[0], spec), [section.meaning for section in sections])
        # `adam` and `Adam`, or a default and its value written out, are one template.
        return self._templates.setdefault(template.key, template)

    def _dataset(self, section: _Section, spec: TrialSpec) -> str:
        key = (section, spec.fit.validation_split)
        if key not in self._sources:
            source = _data_source(self._job, spec, self._place)
            self._datasets.setdefault(source.id, source)
            self._sources[key] = source.id
        return self._sources[key]


def _data_source(job: JobSpec, spec: TrialSpec, place: str) -> DataSource:
    folder, data = job.source.folder.absolute(), spec.data
    said = canonical_data(data)
    if place:
        said["place"] = place
    held_back = spec.fit.validation_split if data.learns and data.validation is None else 0.0
    if held_back:
        said["validation_split"] = held_back
    return DataSource(id=digest(said), spec=data, folder=folder, validation_split=held_back)
