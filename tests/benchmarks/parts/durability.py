"""What durability costs."""

from __future__ import annotations

import json

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.markdown import seconds, table
from tests.benchmarks.parts._base import Part, without
from tests.benchmarks.results import Results


def measure(bench: Bench, results: Results) -> Results:
    """Runs with fsync and without."""
    sizes = ("--small", 20, "--long", 1) if bench.quick else ()
    try:
        line = measured_by("tests.benchmarks.durability", *sizes)
    except ChildError as error:
        return without(results, PART.name, error)
    return results.model_copy(update={"durability": json.loads(line)})


def render(results: Results) -> list[str]:
    found = results.durability
    if not found:
        return ["Not measured."]
    rows = [
        [
            f"{found[f'{name}_trials']:,.0f} {what}",
            seconds(found[f"{name}_with"]),
            seconds(found[f"{name}_without"]),
            seconds(max(0.0, found[f"{name}_with"] - found[f"{name}_without"])),
        ]
        for name, what in (("small", "trials that take no time"), ("second", "trials of a second"))
    ]
    return [
        "A trial counts once it is on the disk: its start before it is dispatched, its end within a tenth of a second.",
        "Trials are faked one after the other in one process, the worst case: none shares an fsync with another.",
        "",
        *table(["run", "a trial with fsync", "without", "difference"], rows),
    ]


PART = Part(name="durability", title="What durability costs", measure=measure, render=render)
