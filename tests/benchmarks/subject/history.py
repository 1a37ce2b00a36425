"""How far the losses of a trial are from those of Keras's own `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import TrialOutcome
from tests.benchmarks.results import STEADY, HistoryDifference
from tests.benchmarks.subject.one_core import OneCore

# Stock trials are slow.
TRIALS = 4
# Up to Keras's default. The larger, the more trials there are in which a difference in the last bit grows within an
# epoch until nothing is alike.
LEARNING_RATES = "{log_uniform: [3e-4, 1e-3]}"


def history(core: OneCore) -> HistoryDifference:
    """Trains the first trials as the rule has it, in the graph and with `fit.compile: stock`.

    Dropout is compared in the graph alone: XLA's masks come from a hash of our own, so there is nothing to compare.
    """
    graph, stock = _outcomes(core, "graph"), _outcomes(core, "stock")
    ours = graph if "Dropout" in core.workload.model else _outcomes(core, "auto")
    if "stock" in (ours[0].compiled, graph[0].compiled):
        raise RuntimeError("stock would be compared with itself")
    nudged = [_differences(_outcomes(core, "graph", towards=towards), graph) for towards in (0.0, 1.0)]
    by_a_bit = [max(either) for either in zip(*nudged, strict=True)]
    epochs = len(stock[0].history["loss"])
    all_epochs = _differences(ours, stock)
    steady = [difference for difference, bit in zip(all_epochs, by_a_bit, strict=True) if bit <= STEADY]
    return HistoryDifference(
        workload=core.workload.name,
        compiled=ours[0].compiled,
        trials=len(stock),
        epochs=epochs,
        first_epoch=max(_differences(ours, stock, epochs=1)),
        all_epochs=max(all_epochs),
        graph_all_epochs=max(_differences(graph, stock)),
        one_bit=max(by_a_bit),
        steady=len(steady),
        steady_all_epochs=max(steady, default=0.0),
    )


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


def _outcomes(core: OneCore, how: str, *, towards: float | None = None) -> list[TrialOutcome]:
    """Those of the first trials of the plan, which are the same however many follow."""
    outcomes: dict[int, TrialOutcome] = {}
    for pack in _plan(core, how).packs:
        if any(trial.number < TRIALS for trial in pack.trials):
            _, found = core.train(pack if towards is None else _nudged(pack, towards))
            outcomes.update(zip((trial.number for trial in pack.trials), found, strict=True))
    return [outcomes[number] for number in range(TRIALS)]


def _plan(core: OneCore, how: str) -> Plan:
    rates = f"compile.optimizer.{core.workload.optimizer}.learning_rate={LEARNING_RATES}"
    # Only the rule looks at how many there are.
    few = () if how == "auto" else (f"search.trials={TRIALS}",)
    return core.plan(f"fit.compile={how}", rates, *few)


def _nudged(pack: Pack, towards: float) -> Pack:
    """The pack at the float32 beside its learning rate."""
    trials = []
    for trial in pack.trials:
        section = trial.spec.compile
        rate = np.float32(section.optimizer.arguments["learning_rate"])  # type: ignore[arg-type]
        arguments = {**section.optimizer.arguments, "learning_rate": float(np.nextafter(rate, np.float32(towards)))}
        changed = section.model_copy(update={"optimizer": replace(section.optimizer, arguments=arguments)})
        trials.append(replace(trial, spec=trial.spec.model_copy(update={"compile": changed})))
    return replace(pack, trials=tuple(trials))
