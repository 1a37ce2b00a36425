"""AssignedSections: the sections of a job at one assignment after another, each read once for the same values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, final

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.compile_sections import MAX_HELD, CompileSections
from seqjobs.jobspec.dimensions import Dimension
from seqjobs.jobspec.substitution import Assignment, substitute
from seqjobs.jobspec.trial_sections import TRIAL_SECTIONS, Sections, read_section

Writing = tuple[str, str, Callable[[], Mapping[str, Any]]]
"""A section's name, what tells how it is written apart from how it was written before, and the tree it stands in."""

# Of a section in which a number is drawn from a range no two are alike: those need not be held, and take no other
# section's room.


@final
class AssignedSections:
    """Of one job."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, tuple[Any, Any]]] = {name: {} for name in TRIAL_SECTIONS}
        self._compile = CompileSections()

    def read(self, writings: Iterable[Writing], problems: Problems) -> tuple[Sections, Mapping[str, Any]]:
        """The sections, None for those whose problems are noted; and what they were read from."""
        read: dict[str, Any] = {}
        trees: dict[str, Any] = {}
        for name, key, tree in writings:
            known = self._held[name]
            held = known.get(key)
            if held is None:
                written = tree()
                held = written.get(name), self._read(name, written, problems)
                if len(known) < MAX_HELD:
                    known[key] = held
            trees[name], read[name] = held
        return Sections(**read), trees

    def _read(self, name: str, written: Mapping[str, Any], problems: Problems) -> Any:
        return self._compile.read(written, problems) if name == "compile" else read_section(name, written, problems)


@final
class WrittenByDimensions:
    """The sections of a template with dimensions.

    A dimension stands in one section, and so do the choices it hangs on: a section is a function of the values of its
    own dimensions.
    """

    def __init__(self, template: Mapping[str, Any], dimensions: Iterable[Dimension]) -> None:
        self._parts: dict[str, tuple[Mapping[str, Any], list[Dimension]]] = {
            name: ({name: template[name]} if name in template else {}, []) for name in TRIAL_SECTIONS
        }
        for dimension in dimensions:
            self._parts[str(dimension.at.place[0])][1].append(dimension)

    def at(self, assignment: Assignment) -> Iterator[Writing]:
        for name, (written, dimensions) in self._parts.items():
            # Not by `==`, for which 1 is True.
            values = repr([assignment.get(dimension.key) for dimension in dimensions]) if dimensions else ""
            yield name, values, lambda w=written, d=dimensions: substitute(w, d, assignment)  # type: ignore[misc]


def written_out(tree: Mapping[str, Any]) -> Iterator[Writing]:
    """The sections of a tree without dimensions."""
    for name in TRIAL_SECTIONS:
        yield name, repr(tree.get(name)), lambda: tree
