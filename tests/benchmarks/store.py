"""Where results are kept: `results.json`, and RESULTS.md beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.parts.pack_sizes import PICTURE
from tests.benchmarks.picture import pack_sizes_picture
from tests.benchmarks.report import rendered
from tests.benchmarks.results import Results

DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Store:
    """A folder with the two files."""

    folder: Path

    @property
    def figures(self) -> Path:
        return self.folder / "results.json"

    @property
    def report(self) -> Path:
        return self.folder / "RESULTS.md"

    @property
    def picture(self) -> Path:
        return self.folder / PICTURE

    def read(self) -> Results | None:
        """What was measured before, if anything was."""
        return Results.model_validate_json(self.figures.read_text()) if self.figures.exists() else None

    def begin(self, fresh: Results) -> Results:
        """The results to add to: those of before where machine, versions and sizes are the same, else none.

        A peer that is not installed now has no part in what is measured now.
        """
        before = self.read()
        if before is None or (before.machine, before.quick) != (fresh.machine, fresh.quick):
            return fresh
        return before if fresh.versions.items() <= before.versions.items() else fresh

    def write(self, results: Results) -> None:
        """Writes both files; the report is made from the figures as they were written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        figures = _rounded(results.model_dump(mode="json"))
        self.figures.write_text(json.dumps(figures, indent=1) + "\n")
        self.render()

    def render(self) -> None:
        """Makes the report anew."""
        results = self.read()
        if results is None:
            raise FileNotFoundError("there are no results to render")
        self.report.write_text(rendered(results))
        if results.pack_sizes:
            self.picture.write_text(pack_sizes_picture(results.pack_sizes))


def _rounded(value: Any) -> Any:
    """Times are not known to more than a few digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
