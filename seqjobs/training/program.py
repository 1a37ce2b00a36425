"""Program: one compiled model that many trials share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, final

import tensorflow as tf

from seqjobs.data.dataset import Array, Dataset
from seqjobs.jobspec.trial_numbers import LEARNING_RATE
from seqjobs.planning.compile_rule import Compilation
from seqjobs.planning.trial import Trial
from seqjobs.training.dropout_rates import DropoutRates
from seqjobs.training.epochs import EpochFunctions, Epochs, epochs_of
from seqjobs.training.initial_state import InitialState
from seqjobs.training.model import StandIns, build_model
from seqjobs.training.replica_layers import MIRRORED, WholeBatch, look_at
from seqjobs.training.replica_steps import ReplicaSteps, takes_summed_gradients
from seqjobs.training.rows import Rows, training_rows
from seqjobs.training.share import Share
from seqjobs.training.steps import Steps
from seqjobs.training.value_check import check_values


@final
class Program:
    """A model with all its variables, and the compiled functions over them. Make it with `build`.

    Before each trial `reset` puts every variable where a fresh build under the trial's seed would have it. What else
    differs between trials of one program key are the learning rate and the rates of dropout layers.
    """

    def __init__(
        self, initial: InitialState, steps: Steps, compilation: Compilation, rates: DropoutRates | None = None
    ) -> None:
        self.model = steps.model
        self._rates = rates
        self.metrics = tuple(steps.model.get_metrics_result())
        self._initial = initial
        self._steps = steps
        self._compilation = compilation
        self._functions: dict[tuple[bool, tuple[int, int]], EpochFunctions] = {}

    @classmethod
    def build(cls, trial: Trial, dataset: Dataset, compilation: Compilation, stand_ins: StandIns) -> Program:
        """Builds and compiles the trial's model, and calls it on two rows.

        See `model.build` for `stand_ins`. Raises what Keras raises, and DataError.
        """
        initial, rates = InitialState(), None
        rows = training_rows(trial.spec, dataset)
        with initial.recording():
            model = build_model(trial.spec, dataset.schema.feature_shape, trial.seed, stand_ins=stand_ins)
            check_values(trial.spec, dataset, model)
            model.optimizer.build(model.trainable_variables)
            # Metrics and the loss make their variables when they first see numbers.
            model.test_step(rows.ready(slice(0, 2)))
        initial.complete(model, trial.seed)
        if compilation is not Compilation.MIRRORED:
            rates = DropoutRates(model, trial.template, trial.numbers)
        steps = Steps(model=model, form=rows.form, batch_size=trial.spec.fit.batch_size)
        return cls(initial, steps, compilation, rates)

    @classmethod
    def mirrored(cls, trial: Trial, dataset: Dataset, strategy: Any, share: Share) -> Program:
        """As `build`, with the variables on every device of the strategy and each batch spread over them."""
        with strategy.scope():
            alone = cls.build(trial, dataset, Compilation.MIRRORED, MIRRORED)
        takes_summed_gradients(alone.model.optimizer)
        form = training_rows(trial.spec, dataset).form
        whole_batch = WholeBatch(strategy.num_replicas_in_sync, share)
        look_at(whole_batch, alone.model)
        size = trial.spec.fit.batch_size
        steps = ReplicaSteps(model=alone.model, form=form, batch_size=size, strategy=strategy, whole_batch=whole_batch)
        return cls(alone._initial, steps, Compilation.MIRRORED)

    def reset(self, trial: Trial) -> None:
        """The state in which `fit` of a fresh model of the trial would begin."""
        self._initial.restore(trial.seed)
        rate = trial.numbers_by_path.get(LEARNING_RATE)
        if rate is not None:  # (a schedule is part of the graph)
            self.model.optimizer.learning_rate = rate
        if self._rates is not None:
            self._rates.reset(trial.numbers)
        self.model.stop_training = False

    def epochs(self, training: Rows, validation: Rows | None, *, stop_at_nan: bool) -> Epochs:
        """The trial's epochs over these rows."""
        steps, last = self._steps, (0, 0)
        if isinstance(steps, ReplicaSteps):
            # Of its own rows a process can not tell how many all have in the last batch.
            size = steps.batch_size
            last = (len(training) % size, 0 if validation is None else len(validation) % size)
            steps = replace(steps, last_batches=last)
        functions = self._functions.get((stop_at_nan, last))
        if functions is None:
            functions = EpochFunctions(steps, self._compilation, stop_at_nan=stop_at_nan)
            self._functions[stop_at_nan, last] = functions
        return epochs_of(functions, training, validation)

    @property
    def variables(self) -> tuple[Array, ...]:
        """The values of all variables, as `restore` takes them."""
        return tuple(_here(variable).numpy() for variable in self._initial.variables)

    def restore(self, variables: tuple[Array, ...]) -> None:
        """Gives all variables values that they had before."""
        for variable, value in zip(self._initial.variables, variables, strict=True):
            variable.assign(value)


def _here(variable: Any) -> Any:
    """Of a variable over several devices the one on the first of this process.

    Weights are the same on all. Metrics are not: their sum would wait for other processes, which may be asked for
    nothing, and is never needed, for every epoch begins with them at zero.
    """
    return variable.values[0] if isinstance(variable, tf.distribute.DistributedValues) else variable
