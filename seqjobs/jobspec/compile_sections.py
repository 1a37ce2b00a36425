"""CompileSections: `compile` sections of one job after another, of which most differ in their optimizer alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.sections import CompileSpec
from seqjobs.jobspec.trial_sections import read_section
from seqjobs.tables import OPTIMIZERS, Named

MAX_HELD = 256


@final
class CompileSections:
    """What stands beside the optimizer, in which a search has its learning rates, is read once for the same writing."""

    def __init__(self) -> None:
        self._held: dict[str, CompileSpec] = {}

    def read(self, tree: Mapping[str, Any], problems: Problems) -> CompileSpec | None:
        """The section of a trial's tree, None with its problems noted."""
        written = tree.get("compile")
        if not isinstance(written, dict) or "optimizer" not in written:
            return _section(tree, problems)
        others = repr({name: part for name, part in written.items() if name != "optimizer"})
        held = self._held.get(others)
        if held is not None:
            optimizer = OPTIMIZERS.parse(written["optimizer"], (), Problems())
            # One with problems is read with all that stands around it, as the first was.
            return _section(tree, problems) if optimizer is None else _with(held, optimizer)
        section = _section(tree, problems)
        if section is not None and len(self._held) < MAX_HELD:
            self._held[others] = section
        return section


def _with(section: CompileSpec, optimizer: Named) -> CompileSpec:
    # The names of the fields that are written are the same set.
    fields = {**dict(section), "optimizer": optimizer}
    return CompileSpec.model_construct(_fields_set=section.model_fields_set, **fields)


def _section(tree: Mapping[str, Any], problems: Problems) -> CompileSpec | None:
    section: CompileSpec | None = read_section("compile", tree, problems)
    return section
