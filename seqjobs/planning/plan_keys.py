"""PlanKeys: what trials and packs are told apart by, with what thousands of trials share written down once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.jobspec.canonical import canonical_data, canonical_fit
from seqjobs.jobspec.compile_sections import MAX_HELD
from seqjobs.jobspec.sections import CompileSpec, TrialSpec
from seqjobs.planning.member_numbers import without_numbers
from seqjobs.planning.resources import Resources
from seqjobs.tables import Named

LENGTH = 10
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class _Optimizer:
    """What is written of an optimizer in the key of a program, and in that of packs."""

    program: str
    shared: str


@final
class PlanKeys:
    """Of one plan. Quick where trials share their parts, see SharedParts."""

    def __init__(self) -> None:
        # With the part itself, whose place in memory would else be another's some day.
        self._written: dict[tuple[int, str], tuple[object, str]] = {}
        self._optimizers: dict[str, _Optimizer] = {}

    def meaning(self, trial: TrialSpec) -> str:
        """Everything in the sections that changes what a trial computes, in one writing for all that mean the same."""
        return _joined(
            self._once(trial.data, "data", lambda: canonical_data(trial.data)),
            self._layers(trial.model),
            self._compiled(trial.compile, _json(trial.compile.optimizer.canonical())),
            self._fit(trial),
        )

    def trial_key(self, meaning: str, *, job: str, seed: int, resources: Resources) -> str:
        """The CPUs are TensorFlow's threads, and sums over more threads or workers differ in their last bits."""
        workers = [f"workers {resources.workers}"] if resources.workers > 1 else []
        return _digest(_joined(job, str(seed), str(resources.cpus), *workers, meaning))

    def program_key(self, trial: TrialSpec, dataset: str) -> str:
        """What trials must have in common to share one compiled program one at a time: all that shapes it, but no
        learning rate.

        A learning rate is a variable of the program; a schedule is part of its graph.
        """
        return _digest(
            _joined(
                dataset,
                self._layers(trial.model),
                self._compiled(trial.compile, self._optimizer(trial.compile.optimizer).program),
                str(trial.fit.batch_size),
                trial.fit.compile,
                # Rows with weights are other inputs; a dataset's own weights are in its id.
                str(trial.fit.class_weight is not None),
            )
        )

    def shared_key(self, trial: TrialSpec, dataset: str) -> str:
        """What trials must have in common to train in one pack, beside the seed: all but the numbers that differ."""
        layers = self._text(trial.model, "shared", lambda: _joined(*map(self._shared, trial.model)))
        optimizer = self._optimizer(trial.compile.optimizer).shared
        return _digest(_joined(dataset, layers, self._compiled(trial.compile, optimizer), self._fit(trial)))

    def _optimizer(self, optimizer: Named) -> _Optimizer:
        """Written once for all that differ in their learning rate alone, as most do. A schedule is no such rate."""
        others = {
            name: value
            for name, value in optimizer.arguments.items()
            if name != "learning_rate" or isinstance(value, Named)
        }
        key = f"{optimizer.name} {others!r}"
        known = self._optimizers.get(key)
        if known is None:
            program = replace(optimizer, arguments=others)
            known = _Optimizer(program=_json(program.canonical()), shared=_json(without_numbers(optimizer).canonical()))
            if len(self._optimizers) < MAX_HELD:
                self._optimizers[key] = known
        return known

    def _compiled(self, section: CompileSpec, optimizer: str) -> str:
        loss = self._entry(section.loss)
        plain = self._text(section.metrics, "metrics", lambda: _joined(*map(self._entry, section.metrics), "weighted"))
        if not section.weighted_metrics:
            return _joined(optimizer, loss, plain)
        return _joined(optimizer, loss, plain, *map(self._entry, section.weighted_metrics))

    def _layers(self, model: tuple[Named, ...]) -> str:
        return self._text(model, "layers", lambda: _joined(*map(self._entry, model)))

    def _fit(self, trial: TrialSpec) -> str:
        return self._once(trial.fit, "fit", lambda: canonical_fit(trial.fit))

    def _shared(self, layer: Named) -> str:
        return self._once(layer, "shared", lambda: without_numbers(layer).canonical())

    def _entry(self, named: Named) -> str:
        return self._once(named, "entry", named.canonical)

    def _once(self, part: object, what: str, write: Callable[[], Any]) -> str:
        return self._text(part, what, lambda: _json(write()))

    def _text(self, part: object, what: str, text: Callable[[], str]) -> str:
        known = self._written.get((id(part), what))
        if known is None:
            known = self._written[id(part), what] = (part, text())
        return known[1]


def _joined(*texts: str) -> str:
    # No JSON on one line has a newline in it.
    return "\n".join(texts)


def _json(value: Any) -> str:
    return _ENCODER.encode(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
