"""The sections of one trial, read one by one, so that a mistake in one does not hide those of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from seqjobs.errors.problems import Path, Problems
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.sections import CompileSpec, FitSpec, TrialSpec
from seqjobs.jobspec.validation import missing, validate_section
from seqjobs.tables import Named, parse_layers

TRIAL_SECTIONS = ("data", "model", "compile", "fit")
# One for all trials: a set of names each would be a tenth of a plan.
_ALL = set(TRIAL_SECTIONS)


@dataclass(frozen=True, kw_only=True)
class Sections:
    """The sections in which dimensions may stand; None for those with mistakes, which are noted."""

    data: DataSpec | None
    model: tuple[Named, ...] | None
    compile: CompileSpec | None
    fit: FitSpec | None

    def complete(self) -> TrialSpec | None:
        """The sections as one trial, where all of them are right."""
        if self.data is None or self.model is None or self.compile is None or self.fit is None:
            return None
        # Checked already, and the tables do not read their own results again.
        return TrialSpec.model_construct(
            _fields_set=_ALL, data=self.data, model=self.model, compile=self.compile, fit=self.fit
        )


def read_sections(
    tree: Mapping[str, Any],
    problems: Problems,
    *,
    known: Sections | None = None,
    changed: Iterable[str] = TRIAL_SECTIONS,
) -> Sections:
    """The sections of `tree`; those that are not `changed` are taken over from `known`."""
    read = {
        name: getattr(known, name) if known is not None and name not in changed else read_section(name, tree, problems)
        for name in TRIAL_SECTIONS
    }
    return Sections(**read)


def read_section(name: str, tree: Mapping[str, Any], problems: Problems) -> Any:
    """The section of this name, None with its problems noted."""
    if name not in tree and name != "fit":
        missing(name, (), problems)
        return None
    return _READERS[name](tree.get(name, {}), (name,), problems)


def _data(value: Any, path: Path, problems: Problems) -> DataSpec | None:
    return validate_section(DataSpec, value, problems, path=path)


def _compile(value: Any, path: Path, problems: Problems) -> CompileSpec | None:
    return validate_section(CompileSpec, value, problems, path=path)


def _fit(value: Any, path: Path, problems: Problems) -> FitSpec | None:
    return validate_section(FitSpec, value, problems, path=path)


_READERS = {"data": _data, "model": parse_layers, "compile": _compile, "fit": _fit}
