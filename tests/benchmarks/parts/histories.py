"""Whether the numbers are Keras's."""

from __future__ import annotations

from tests.benchmarks.bench import Bench
from tests.benchmarks.markdown import relative, table
from tests.benchmarks.parts._base import Part
from tests.benchmarks.parts._probed import measured_of_all
from tests.benchmarks.results import NUDGES, STEADY, HistoryDifference, Results


def measure(bench: Bench, results: Results) -> Results:
    """Workload by workload."""
    results, found = measured_of_all(bench, results, results.histories, "history", HistoryDifference.model_validate)
    return results.model_copy(update={"histories": found})


def render(results: Results) -> list[str]:
    if not results.histories:
        return ["Not measured."]
    rows = [
        [
            one.workload,
            one.compiled,
            relative(one.first_epoch),
            relative(one.all_epochs),
            relative(one.graph_all_epochs),
            relative(one.nudged),
            f"{one.steady} of {one.trials}",
            relative(one.steady_all_epochs) if one.steady else "-",
        ]
        for one in results.histories
    ]
    head = ["workload", "compiled", "first epoch", "all epochs", "in the graph", "nudged", "steady trials", "of these"]
    return [
        "The largest relative difference between a loss (training or validation) and that of Keras's own `fit` with",
        "the same seed and order of rows, at learning rates from 0.0003 to 0.001. `compiled` is what the rule chose",
        "for as many trials as were measured above; dropout is always compared in the graph, since under XLA its masks",
        "come from another source than Keras's. XLA adds up in another order than the graph. Where a unit of a relu is",
        "nearer to 0 than float32 tells, that turns it on or off; its weights then part, and in some trials training",
        "makes all else part too. `nudged` is what becomes of the losses in the graph when every feature is moved by",
        f"4 units in the last place at most, the worst of {NUDGES} times; steady trials are those that it moves by at",
        f"most {STEADY:g}, and `of these` is the largest difference over all epochs of theirs.",
        "",
        *table(head, rows),
    ]


PART = Part(name="histories", title="Histories against stock Keras", measure=measure, render=render)
