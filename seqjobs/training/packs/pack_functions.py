"""PackFunctions: the compiled functions of a pack's program, over the state of its members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import tensorflow as tf

from seqjobs.planning.compile_rule import Compilation
from seqjobs.training.compiled import Compiled
from seqjobs.training.graph_rows import Tensors
from seqjobs.training.packs.pack_steps import PackSteps, State, Values

_Pure = Callable[..., tuple[State, Any]]


@final
class PackFunctions:
    """What EpochFunctions is to one trial: metrics are (metrics, members), and no member stops the others."""

    stop_at_nan = False
    """A member whose loss is no number any more is left as it is, if the steps are to do that; the others go on."""

    def __init__(self, steps: PackSteps, compilation: Compilation, *, stop_at_nan: bool) -> None:
        def train_pass(state: State, values: Values, rows: Tensors) -> tuple[State, Any]:
            trained = steps.train_pass(state, values, rows, stop_at_nan=stop_at_nan)
            return trained, steps.metrics(trained, values)

        def both_passes(state: State, values: Values, training: Tensors, validation: Tensors) -> tuple[State, Any]:
            trained, metrics = train_pass(state, values, training)
            tested = steps.test_pass(trained, values, validation)
            return tested, tf.concat([metrics, steps.metrics(tested, values)], axis=0)

        def train_block(state: State, values: Values, rows: Tensors, num_steps: Tensors) -> tuple[State, Any]:
            return steps.train_block(state, values, rows, num_steps[0], stop_at_nan=stop_at_nan), ()

        def train_rest(state: State, values: Values, rows: Tensors) -> tuple[State, Any]:
            return steps.train_rest(state, values, rows, stop_at_nan=stop_at_nan), ()

        def test_block(state: State, values: Values, rows: Tensors, num_steps: Tensors) -> tuple[State, Any]:
            return steps.test_block(state, values, rows, num_steps[0]), ()

        self.batch_size = steps.batch_size
        self.state: State = ()
        self.values: Values = ()
        self.begin = self._over_state(lambda state, _: (steps.begin(state), ()), compilation)
        self.train_pass = self._over_state(train_pass, compilation)
        self.both_passes = self._over_state(both_passes, compilation)
        self.train_block = self._over_state(train_block, compilation)
        self.train_rest = self._over_state(train_rest, compilation)
        self.test_block = self._over_state(test_block, compilation)
        self.test_rest = self._over_state(
            lambda state, values, rows: (steps.test_rest(state, values, rows), ()), compilation
        )
        self.metrics = self._over_state(lambda state, values: (state, steps.metrics(state, values)), compilation)
        # Once a pack: not worth XLA's time.
        graph = Compilation.GRAPH
        self.finish = self._over_state(lambda state, values: (steps.finish(state, values), ()), graph)

    def _over_state(self, pure: _Pure, compilation: Compilation) -> Callable[..., Any]:
        """Calls the function with the present state, keeps the one that it returns, and returns what stands beside."""
        compiled = Compiled(pure, compilation)

        def call(*groups: Tensors) -> Any:
            self.state, found = compiled(self.state, self.values, *groups)
            return found

        return call
