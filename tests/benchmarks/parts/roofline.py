"""One training step against the core's own rate of matrix products."""

from __future__ import annotations

import statistics

from tests.benchmarks.bench import Bench
from tests.benchmarks.markdown import seconds, table
from tests.benchmarks.parts._base import Part
from tests.benchmarks.parts._probed import measured_of_all
from tests.benchmarks.results import Results, Roofline


def measure(bench: Bench, results: Results) -> Results:
    """Workload by workload."""
    results, found = measured_of_all(bench, results, results.roofline, "roofline", Roofline.model_validate)
    return results.model_copy(update={"roofline": found})


def render(results: Results) -> list[str]:
    if not results.roofline:
        return ["Not measured."]
    rows = [
        [
            one.workload,
            one.compiled + (f", packs of {one.members}" if one.members > 1 else ""),
            f"{one.flops / 1e6:,.2f}",
            seconds(statistics.median(one.step_seconds)),
            f"{one.gflops:.1f}",
            f"{one.square_gflops:.1f}",
            f"{one.share:.0%}",
            f"{one.own_gflops:.1f}",
        ]
        for one in results.roofline
    ]
    head = ["workload", "compiled", "MFLOP a step", "a step", "GFLOP/s", "large square", "share", "own shapes"]
    return [
        "One thread. Counted are the matrix products of a step, forward and of the gradients, and nothing else: no",
        "activations, no optimizer, no reading of rows. `large square` is TensorFlow's product of 2048 x 2048",
        "matrices, `own shapes` its rate at the very products of the step, one after the other.",
        "",
        *table(head, rows),
    ]


PART = Part(name="roofline", title="Roofline of one core", measure=measure, render=render)
