"""Whether a worker can train for a night without growing."""

from __future__ import annotations

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.markdown import seconds
from tests.benchmarks.parts._base import Part, without
from tests.benchmarks.parts._sides import SMALL
from tests.benchmarks.results import MemoryGrowth, Results


def measure(bench: Bench, results: Results) -> Results:
    """Small trials one at a time in one process, the first ones left out."""
    trials, warm_up = (40, 10) if bench.quick else (1_000, 50)
    try:
        line = measured_by(
            "tests.benchmarks.subject.memory", bench.data_of(SMALL), "--trials", trials, "--warm-up", warm_up
        )
    except ChildError as error:
        return without(results, PART.name, error)
    return results.model_copy(update={"memory": MemoryGrowth.model_validate_json(line)})


def render(results: Results) -> list[str]:
    found = results.memory
    if found is None:
        return ["Not measured."]
    return [
        f"{found.trials:,} small trials, one at a time, in one worker's process: its resident memory was",
        f"**{found.growth_mb:+.1f} MB** larger at the end than after the first {found.warm_up}"
        f" ({seconds(found.seconds_per_trial)} a trial on one core).",
    ]


PART = Part(name="memory", title="Memory of a worker", measure=measure, render=render)
