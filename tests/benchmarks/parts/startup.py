"""What happens before the first trial."""

from __future__ import annotations

import json

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.markdown import seconds, table
from tests.benchmarks.parts._base import Part, without
from tests.benchmarks.results import Results


def measure(bench: Bench, results: Results) -> Results:
    """A start cut into parts; a quick try takes the one that starts no cluster."""
    try:
        line = measured_by("tests.benchmarks.startup", *(("first_epoch",) if bench.quick else ()))
    except ChildError as error:
        return without(results, PART.name, error)
    return results.model_copy(update={"startup": json.loads(line)})


def render(results: Results) -> list[str]:
    """In the order in which they come; the last ones are whole starts."""
    if not results.startup:
        return ["Not measured."]
    return table(["part", "time"], [[name, seconds(value)] for name, value in results.startup.items()])


PART = Part(name="startup", title="Parts of a start", measure=measure, render=render)
