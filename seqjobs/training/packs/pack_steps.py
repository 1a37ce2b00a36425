"""PackSteps: one training or test step of all members at once, out of Keras's own layers, losses and optimizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from seqjobs.training.free_number import FreeNumber, standing_for
from seqjobs.training.graph_rows import Tensors, batch_at, ready
from seqjobs.training.lowerings.branches import without_branches
from seqjobs.training.packs.vectorized_ops import register
from seqjobs.training.rows import Form

register()

State = tuple[Any, ...]
"""A tensor a variable, (members, *shape of the variable); the last is the count of steps, (), the same for all."""
Values = tuple[Any, ...]
"""A tensor a member number, (members,) float64."""
Work = Callable[[Tensors], None]


@dataclass(frozen=True, kw_only=True)
class PackSteps:
    """What compiled functions are made of. The methods are pure: they take a state and return the next one.

    A step is written once, for one member, as Keras's stateless trainers have it (keras/src/backend/jax/trainer.py):
    inside a `StatelessScope` Keras's variables stand for the member's tensors. `tf.vectorized_map` makes of it the
    step of all members, op by op. Whatever an optimizer, a metric or a layer keeps is a variable, so it is done too.
    """

    model: keras.Sequential
    variables: Sequence[keras.Variable]
    """All that change, but the count of steps."""
    numbers: Sequence[FreeNumber]
    form: Form
    batch_size: int
    size: int
    """How many members there are."""

    def begin(self, state: State) -> State:
        """Resets the metrics."""
        with keras.StatelessScope() as scope:
            self.model.reset_metrics()
        initial = map(scope.get_current_value, self.variables)
        return (*(_begun(value, now) for value, now in zip(initial, state[:-1], strict=True)), state[-1])

    def train_pass(self, state: State, values: Values, rows: Tensors, *, stop_at_nan: bool) -> State:
        """Trains once on all rows."""
        state = self.begin(state)
        full, remainder = divmod(rows[0].shape[0], self.batch_size)
        if full:
            state = self.train_block(state, values, rows, full, stop_at_nan=stop_at_nan)
        if remainder:
            last = tuple(part[-remainder:] for part in rows)
            state = self.train_rest(state, values, last, stop_at_nan=stop_at_nan)
        return state

    def test_pass(self, state: State, values: Values, rows: Tensors) -> State:
        """Evaluates all rows."""
        state = self.begin(state)
        full, remainder = divmod(rows[0].shape[0], self.batch_size)
        if full:
            state = self.test_block(state, values, rows, full)
        if remainder:
            state = self.test_rest(state, values, tuple(part[-remainder:] for part in rows))
        return state

    def train_block(self, state: State, values: Values, rows: Tensors, steps: Any, *, stop_at_nan: bool) -> State:
        """Trains on the first `steps` batches of the rows."""
        return self._scan(
            lambda state, batch: self.train_rest(state, values, batch, stop_at_nan=stop_at_nan), state, rows, steps
        )

    def train_rest(self, state: State, values: Values, rows: Tensors, *, stop_at_nan: bool) -> State:
        """Trains on all rows as one batch. With `stop_at_nan` a member whose loss is no number any more stays."""
        trained = (*self._mapped(self._train, state, values, rows), state[-1] + 1)
        return selected(self._losses_are_finite(state, values), trained, state) if stop_at_nan else trained

    def test_block(self, state: State, values: Values, rows: Tensors, steps: Any) -> State:
        return self._scan(lambda state, batch: self.test_rest(state, values, batch), state, rows, steps)

    def test_rest(self, state: State, values: Values, rows: Tensors) -> State:
        return (*self._mapped(self._test, state, values, rows), state[-1])

    def metrics(self, state: State, values: Values) -> Any:
        """The metrics since they were reset, (metrics, members) float32, in the order of `get_metrics_result`."""

        def result(*_: Any) -> Any:
            return tf.stack([tf.cast(value, tf.float32) for value in self.model.get_metrics_result().values()])

        return tf.transpose(self._each(result, state, values, ()))

    def finish(self, state: State, values: Values) -> State:
        """What Keras's `fit` does at its end: weights that an optimizer averages take their averages."""

        def finalize(_: Tensors) -> None:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

        return (*self._mapped(finalize, state, values, ()), state[-1])

    def _train(self, rows: Tensors) -> None:
        model = self.model
        trained = [variable.value for variable in model.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(trained)
            loss = self._loss(rows, training=True)
        gradients = tape.gradient(loss, trained)
        model.optimizer.apply(gradients, model.trainable_variables)

    def _test(self, rows: Tensors) -> None:
        self._loss(rows, training=False)

    def _loss(self, rows: Tensors, *, training: bool) -> Any:
        """The loss of a batch; the metrics take it, and the batch."""
        features, target, *weights = rows
        model, weight = self.model, weights[0] if weights else None
        predicted = model(features, training=training)
        loss = model.compute_loss(x=features, y=target, y_pred=predicted, sample_weight=weight, training=training)
        self._loss_tracker.update_state(loss, sample_weight=features.shape[0])
        model.compute_metrics(features, target, predicted, weight)
        return loss

    @property
    def _loss_tracker(self) -> Any:
        return next(metric for metric in self.model.metrics if metric.name == "loss")

    def _losses_are_finite(self, state: State, values: Values) -> Any:
        """(members,) bool"""

        def is_finite(*_: Any) -> Any:
            return tf.math.is_finite(self._loss_tracker.result())

        return self._each(is_finite, state, values, ())

    def _scan(self, step: Callable[[State, Tensors], State], state: State, rows: Tensors, steps: Any) -> State:
        def body(index: Any, state: State) -> Any:
            return index + 1, step(state, batch_at(rows, index, self.batch_size))

        first = (tf.constant(0), state)
        return tf.while_loop(lambda index, _: index < steps, body, first, parallel_iterations=1)[1]  # type: ignore[no-any-return]

    def _mapped(self, work: Work, state: State, values: Values, rows: Tensors) -> tuple[Any, ...]:
        """The variables of every member after `work`, which sees one of them."""

        def changed(scope: Any, batch: Tensors) -> tuple[Any, ...]:
            work(batch)
            return tuple(_value(scope, variable) for variable in self.variables)

        return self._each(changed, state, values, rows)  # type: ignore[no-any-return]

    def _each(self, work: Callable[[Any, Tensors], Any], state: State, values: Values, rows: Tensors) -> Any:
        *held, steps = state
        batch = ready(rows, self.form) if rows else ()

        def one(of_member: tuple[tuple[Any, ...], Values]) -> Any:
            tensors, own = of_member
            mapping = [*zip(self.variables, tensors, strict=True), (self.model.optimizer.iterations, steps)]
            with standing_for(self.numbers, own), _scope(mapping) as scope:
                return work(scope, batch)

        with without_branches():
            # What has no vectorized form raises; a loop over members would be slower than one at a time.
            return tf.vectorized_map(one, (tuple(held), values), fallback_to_while_loop=False)


def _scope(mapping: Any) -> Any:
    """As Keras's `stateless_call` enters it: what layers add to the loss is theirs, and of this call."""
    return keras.StatelessScope(state_mapping=mapping, collect_losses=True)


def _value(scope: Any, variable: Any) -> Any:
    """A variable that was assigned another one holds it, not its value."""
    value = scope.get_current_value(variable)
    return scope.get_current_value(value) if isinstance(value, keras.Variable) else value


def _begun(initial: Any, now: Any) -> Any:
    return now if initial is None else tf.broadcast_to(tf.cast(initial, now.dtype), now.shape)


def selected(members: Any, chosen: State, other: State) -> State:
    """Of each tensor the first where `members`, (members,) bool, is true; the count of steps is that of `chosen`."""

    def select(this: Any, that: Any) -> Any:
        return tf.where(tf.reshape(members, [-1] + [1] * (len(this.shape) - 1)), this, that)

    return (*map(select, chosen[:-1], other[:-1]), chosen[-1])
