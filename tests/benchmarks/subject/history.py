"""How far the losses of a trial are from those of Keras's own `fit`."""

from __future__ import annotations

from collections.abc import Sequence

from seqjobs.training.outcome import TrialOutcome
from tests.benchmarks.results import HistoryDifference
from tests.benchmarks.subject.one_core import OneCore

# Stock trials are slow.
TRIALS = 2
# Up to Keras's default. At larger ones a difference in the last bit grows within an epoch until nothing is alike, in
# Keras's own two ways of compiling as well.
LEARNING_RATES = "{log_uniform: [3e-4, 1e-3]}"


def history(core: OneCore) -> HistoryDifference:
    """Trains the first trials as the rule has it, in the graph and with `fit.compile: stock`.

    Dropout is compared in the graph alone: XLA's masks come from a hash of our own, so there is nothing to compare.
    """
    graph, stock = _outcomes(core, "graph"), _outcomes(core, "stock")
    ours = graph if "Dropout" in core.workload.model else _outcomes(core, "auto")
    if "stock" in (ours[0].compiled, graph[0].compiled):
        raise RuntimeError("stock would be compared with itself")
    return HistoryDifference(
        workload=core.workload.name,
        compiled=ours[0].compiled,
        trials=len(stock),
        epochs=len(stock[0].history["loss"]),
        first_epoch=_difference(ours, stock, epochs=1),
        all_epochs=_difference(ours, stock),
        graph_all_epochs=_difference(graph, stock),
    )


def _difference(ours: Sequence[TrialOutcome], stock: Sequence[TrialOutcome], *, epochs: int | None = None) -> float:
    return max(
        abs(value - reference) / abs(reference)
        for one, other in zip(ours, stock, strict=True)
        for column in other.history
        if column.endswith("loss")
        for value, reference in zip(one.history[column][:epochs], other.history[column][:epochs], strict=True)
    )


def _outcomes(core: OneCore, how: str) -> list[TrialOutcome]:
    """Those of the first trials of the plan, which are the same however many follow."""
    rates = f"compile.optimizer.{core.workload.optimizer}.learning_rate={LEARNING_RATES}"
    # Only the rule looks at how many there are.
    few = () if how == "auto" else (f"search.trials={TRIALS}",)
    plan = core.plan(f"fit.compile={how}", rates, *few)
    outcomes: dict[int, TrialOutcome] = {}
    for pack in plan.packs:
        if any(trial.number < TRIALS for trial in pack.trials):
            _, found = core.train(pack)
            outcomes.update(zip((trial.number for trial in pack.trials), found, strict=True))
    return [outcomes[number] for number in range(TRIALS)]
