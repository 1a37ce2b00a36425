"""Part: something that is measured and shown by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.bench import Bench
from tests.benchmarks.results import Results


@dataclass(frozen=True, kw_only=True)
class Part:
    """`measure` returns the results with its own put in; `render` makes Markdown lines of them, and nothing else."""

    name: str
    title: str
    measure: Callable[[Bench, Results], Results]
    render: Callable[[Results], list[str]]


def without(results: Results, what: str, why: object) -> Results:
    """The results with a line that something is missing."""
    return results.model_copy(update={"left_out": (*results.left_out, f"{what}: {why}")})
