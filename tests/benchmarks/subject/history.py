"""How far the losses of a trial are from those of Keras's own `fit`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seqjobs.planning.plan import Plan
from seqjobs.training.outcome import TrialOutcome
from tests.benchmarks.results import NUDGES, STEADY, HistoryDifference
from tests.benchmarks.rows import write_nudged_rows
from tests.benchmarks.subject.one_core import OneCore

# Stock trials are slow.
TRIALS, QUICK_TRIALS = 6, 2
# Up to Keras's default. The larger, the more trials there are in which a difference in the last bit grows within an
# epoch until nothing is alike.
LEARNING_RATES = "{log_uniform: [3e-4, 1e-3]}"
# Four units in the last place of a float32: as much as products over some hundred features differ by, between two
# orders of summing them up. A unit of a relu that is nearer to 0 is on or off by how a product is carried out.
NUDGE = 2.0**-21


def history(core: OneCore) -> HistoryDifference:
    """Trains the first trials as the rule has it, in the graph and with `fit.compile: stock`.

    Dropout is compared in the graph alone: XLA's masks come from a hash of our own, so there is nothing to compare.
    """
    graph, stock = _outcomes(core, "graph"), _outcomes(core, "stock")
    ours = graph if "Dropout" in core.workload.model else _outcomes(core, "auto")
    if "stock" in (ours[0].compiled, graph[0].compiled):
        raise RuntimeError("stock would be compared with itself")
    nudged = [max(one) for one in zip(*(_by_a_nudge(core, graph, seed) for seed in range(NUDGES)), strict=True)]
    all_epochs = _differences(ours, stock)
    steady = [difference for difference, moved in zip(all_epochs, nudged, strict=True) if moved <= STEADY]
    return HistoryDifference(
        workload=core.workload.name,
        compiled=ours[0].compiled,
        trials=len(stock),
        epochs=len(stock[0].history["loss"]),
        first_epoch=max(_differences(ours, stock, epochs=1)),
        all_epochs=max(all_epochs),
        graph_all_epochs=max(_differences(graph, stock)),
        nudged=max(nudged),
        steady=len(steady),
        steady_all_epochs=max(steady, default=0.0),
    )


def _by_a_nudge(core: OneCore, graph: Sequence[TrialOutcome], seed: int) -> list[float]:
    """How far the losses of each trial in the graph are moved by other features."""
    with tempfile.TemporaryDirectory() as folder:
        write_nudged_rows(core.workload, core.folder, Path(folder), by=NUDGE, seed=seed)
        return _differences(_outcomes(replace(core, folder=Path(folder)), "graph"), graph)


def _differences(
    ours: Sequence[TrialOutcome], others: Sequence[TrialOutcome], *, epochs: int | None = None
) -> list[float]:
    """The largest of each trial."""
    return [
        max(
            abs(value - reference) / abs(reference)
            for column in other.history
            if column.endswith("loss")
            for value, reference in zip(one.history[column][:epochs], other.history[column][:epochs], strict=True)
        )
        for one, other in zip(ours, others, strict=True)
    ]


def _outcomes(core: OneCore, how: str) -> list[TrialOutcome]:
    """Those of the first trials of the plan, which are the same however many follow."""
    outcomes: dict[int, TrialOutcome] = {}
    count = _count(core)
    for pack in _plan(core, how).packs:
        if any(trial.number < count for trial in pack.trials):
            outcomes.update(zip((trial.number for trial in pack.trials), core.train(pack)[1], strict=True))
    return [outcomes[number] for number in range(count)]


def _count(core: OneCore) -> int:
    return QUICK_TRIALS if core.quick else TRIALS


def _plan(core: OneCore, how: str) -> Plan:
    rates = f"compile.optimizer.{core.workload.optimizer}.learning_rate={LEARNING_RATES}"
    # Only the rule looks at how many there are.
    few = () if how == "auto" else (f"search.trials={_count(core)}",)
    return core.plan(f"fit.compile={how}", rates, *few)
