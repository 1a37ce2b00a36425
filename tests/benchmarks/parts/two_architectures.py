"""A night's search in small: a thousand trials of two architectures."""

from __future__ import annotations

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.markdown import seconds, table, times
from tests.benchmarks.parts._base import Part, without
from tests.benchmarks.parts._sides import POOL, SMALL
from tests.benchmarks.peers import KERAS_LOOP
from tests.benchmarks.results import Results, TwoArchitectures
from tests.benchmarks.timing import PoolTiming

TRIALS = 1_000


def measure(bench: Bench, results: Results) -> Results:
    """Two runs over the same warm workers: the programs are compiled in the first."""
    if bench.quick:
        return results
    overrides = ("-S", f"search.trials={TRIALS}", "-S", "model.0.Dense.units={choice: [16, 24]}")
    try:
        timing = PoolTiming.model_validate_json(measured_by(POOL, bench.data_of(SMALL), "--repeats", 2, *overrides))
    except ChildError as error:
        return without(results, PART.name, error)
    found = TwoArchitectures(trials=TRIALS, packs=timing.packs, seconds=timing.run_seconds)
    return results.model_copy(update={"two_architectures": found})


def render(results: Results) -> list[str]:
    found = results.two_architectures
    if found is None:
        return ["Not measured."]
    keras = results.median(SMALL, KERAS_LOOP)
    rows = [
        [f"seqjobs, {programs}", seconds(value), "measured"]
        for programs, value in zip(("programs to be compiled", "programs compiled"), found.seconds, strict=True)
    ]
    if keras is not None:
        whole = keras * found.trials
        rows.append(["keras loop", f"{whole / 60:,.0f} min", f"extrapolated; x {times(whole / found.seconds[0])}"])
    head = ["side", f"{found.trials:,} small trials of two architectures", "how"]
    text = f"From warm workers (TensorFlow imported) until the leaderboard is written; {found.packs} packs."
    return [text, "", *table(head, rows)]


PART = Part(name="two-architectures", title="A search over two architectures", measure=measure, render=render)
