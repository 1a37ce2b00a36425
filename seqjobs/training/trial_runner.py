"""TrialRunner: trains packs in this process, which imports TensorFlow once and stays warm."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, final

import keras
import tensorflow as tf

from seqjobs.data.dataset import Array, Dataset, Split
from seqjobs.planning.compile_rule import Compilation, Compiler, compilation_of
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training import devices
from seqjobs.training.checkpoint import Checkpoint, Saving, Stopped
from seqjobs.training.compiled import Compiled
from seqjobs.training.dropout_rates import DROPPING
from seqjobs.training.evaluation import evaluate_model
from seqjobs.training.failures import failure_of
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.fit import fit
from seqjobs.training.fitting import Fitting, TimeIsUp
from seqjobs.training.keras_file import keras_file
from seqjobs.training.lowerings import LOWERED
from seqjobs.training.model import build_model, compile_model, forget_models, put_weights
from seqjobs.training.outcome import (
    Cause,
    Compilations,
    EpochReport,
    Failure,
    PackCheckpoint,
    RunnerItem,
    Stopping,
    TrialOutcome,
    Weights,
    never,
)
from seqjobs.training.packs.fit_pack import fit_pack
from seqjobs.training.packs.pack_fitting import PackFitting
from seqjobs.training.packs.pack_program import PackProgram
from seqjobs.training.prediction import Predictor
from seqjobs.training.preprocessing_model import preprocessing_model
from seqjobs.training.program import Program
from seqjobs.training.programs import Programs
from seqjobs.training.rows import training_rows, validation_rows
from seqjobs.training.share import Share
from seqjobs.training.span import Span
from seqjobs.training.stock_fit import stock_fit

CANNOT_SPAN = (
    "with `resources.workers`, `fit.compile` must be auto or graph, and no batch may have fewer rows than there are "
    "workers, the last batch included; orthogonal activity_regularizers and losses with ignore_class are not allowed"
)


@final
class TrialRunner:
    """The PackRunner of TensorFlow. Make it with `start`."""

    def __init__(
        self, device_names: tuple[str, ...], gpus: tuple[str, ...] = (), span: Span | None = None, spanning: Any = None
    ) -> None:
        self.devices = device_names
        self.versions: tuple[tuple[str, str], ...] = (
            ("tensorflow", str(tf.__version__)),
            ("keras", str(keras.__version__)),
        )
        self._gpus = gpus
        self._span = span
        self._spanning = spanning
        self._onednn = devices.has_onednn()
        self._programs = Programs()
        self._predictor: tuple[tuple[str, str], Predictor] | None = None

    @classmethod
    def start(cls, cpus: int, span: Span | None = None, *, gpu_share: float | None = None) -> TrialRunner:
        """Sets this process's TensorFlow up for a worker with that many CPUs; once a process.

        With a `span` it waits for the other processes of it. Raises ClusterError (E506) as `gpu_memory.share_out` does.
        """
        names = devices.prepare(cpus, gpu_share)
        spanning = None if span is None else devices.spanning(span)
        # AutoGraph has Python import files of the temporary folder; a cache of theirs beside them could be another's.
        sys.pycache_prefix = os.devnull
        # What TensorFlow's import has made stays: nobody needs to look through it again and again.
        gc.freeze()
        return cls(names, gpus=devices.gpus(), span=span, spanning=spanning)

    @property
    def compilations(self) -> Compilations:
        """See PackRunner."""
        return Compilations(programs=self._programs.num_built, seconds=Compiled.seconds)

    def run(
        self, pack: Pack, dataset: Dataset, saved: bytes | None = None, stopping: Stopping = never
    ) -> Iterator[RunnerItem]:
        """Trains the pack's trials; see PackRunner."""
        with contextlib.suppress(Stopped):
            if pack.size == 1:
                (trial,) = pack.trials
                yield from self._train(trial, pack, dataset, saved, stopping)
            elif self._gpus or self._span is not None:
                # Nobody has measured packs there yet, nor whether XLA gives them the same bits every time.
                yield from self._train_apart(pack, dataset, stopping)
            else:
                yield from self._train_together(pack, dataset, saved, stopping)

    def _train_together(
        self, pack: Pack, dataset: Dataset, saved: bytes | None, stopping: Stopping
    ) -> Iterator[RunnerItem]:
        fitting, of = PackFitting(pack), self._origin(pack, dataset, "pack")
        try:
            program = self._programs.take(pack.program_key, dataset, "pack", lambda: PackProgram.build(pack, dataset))
            yield from _encoded(fit_pack(program, pack, dataset, fitting, _saving(pack, saved, of, stopping)), of)
        except TimeIsUp:
            pass
        except Stopped:
            raise
        except Exception as error:
            self._programs.drop(pack.program_key)
            failure = failure_of(error)
            if failure.cause is not Cause.OUT_OF_MEMORY:
                yield from self._train_apart(pack, dataset, stopping, because=failure.message)
                return
            fitting.fail(failure)
        for outcome, weights in fitting.outcomes(Compilation.XLA.value):
            yield outcome
            yield weights

    def _train_apart(
        self, pack: Pack, dataset: Dataset, stopping: Stopping, because: str = ""
    ) -> Iterator[TrialOutcome | Weights]:
        """One by one: so what fails together has each trial's own result, or its own failure.

        Why is in the log of each: it takes many times as long, and should never happen.
        """
        for trial in pack.trials:
            alone = replace(pack, trials=(trial,), size=1, program_key=trial.program_key)
            for item in self._train(trial, alone, dataset, None, stopping):
                # Reports and checkpoints are of all members of a pack.
                if isinstance(item, EpochReport | PackCheckpoint):
                    continue
                if because and isinstance(item, TrialOutcome):
                    item = replace(item, log=f"it could not train in a pack: {because}\n")  # noqa: PLW2901
                yield item

    def _train(
        self, trial: Trial, pack: Pack, dataset: Dataset, saved: bytes | None, stopping: Stopping
    ) -> Iterator[RunnerItem]:
        fitting = Fitting.of(trial)
        try:
            yield from self._fit(trial, pack, dataset, fitting, saved, stopping)
        except TimeIsUp:
            pass
        except Stopped:
            raise
        except Exception as error:  # (a failed trial is a value, not an end of the worker)
            fitting.failure = failure_of(error)
            self._programs.drop(pack.program_key)
        yield TrialOutcome(
            trial_id=trial.id,
            history=fitting.frozen_history(),
            weights_epoch=fitting.weights_epoch,
            seconds=fitting.seconds,
            failure=fitting.failure,
            compiled=fitting.compiled,
        )
        yield () if fitting.failure else fitting.weights

    def _fit(
        self, trial: Trial, pack: Pack, dataset: Dataset, fitting: Fitting, saved: bytes | None, stopping: Stopping
    ) -> Iterator[EpochReport | PackCheckpoint]:
        compilation = self._compilation(trial, pack.compiler, dataset)
        fitting.compiled = compilation.value
        if compilation is Compilation.STOCK:
            if self._span is not None:
                raise ValueError(CANNOT_SPAN)
            return stock_fit(trial, dataset, fitting, self._strategy(), stopping)
        # XLA needs no help with stock layers on a GPU.
        stand_ins = LOWERED if compilation is Compilation.XLA and not self._gpus else DROPPING
        kind = compilation.value
        if compilation is Compilation.MIRRORED:
            # Sums over the devices are cut by their number.
            fitting.compiled = f"{compilation.value}-{self._num_replicas()}"
            # Layers of several devices take the rates of dropout as constants.
            kind = f"{fitting.compiled} {[trial.numbers[index] for index in trial.template.rates]}"
        program = self._programs.take(
            pack.program_key,
            dataset,
            kind,
            lambda: (
                Program.mirrored(trial, dataset, self._strategy(), self._share(trial.template.spec.fit.batch_size))
                if compilation is Compilation.MIRRORED
                else Program.build(trial, dataset, compilation, stand_ins)
            ),
        )
        of = self._origin(pack, dataset, fitting.compiled)
        saving = _saving(pack, saved, of, stopping)
        return _encoded(fit(program, trial, dataset, fitting, saving, self._span), of)

    def _strategy(self) -> Any:
        return self._spanning or devices.strategy(self._gpus)

    def _share(self, batch_size: int) -> Share:
        return Share(index=0, workers=1, batch_size=batch_size) if self._span is None else self._span.share(batch_size)

    def _num_replicas(self) -> int:
        return int(self._strategy().num_replicas_in_sync)

    def _origin(self, pack: Pack, dataset: Dataset, compiled: str) -> Mapping[str, str]:
        """What a checkpoint is of: with anything else than these its numbers would not be its pack's."""
        of = {"pack": pack.id, "program": pack.program_key, "data": dataset.fingerprint, "compiled": compiled}
        return {**of, **dict(self.versions)}

    def _compilation(self, trial: Trial, compiler: Compiler, dataset: Dataset) -> Compilation:
        sections = trial.template.spec
        size = sections.fit.batch_size
        used = (training_rows(sections, dataset), validation_rows(sections, dataset))
        rows = [len(part) for part in used if part is not None]
        return compilation_of(
            sections,
            compiler,
            num_gpus=len(self._gpus),
            replicas=self._num_replicas(),
            onednn=self._onednn,
            smallest_batch=min(count % size or size for count in rows),
        )

    def check(self, trial: Trial, dataset: Dataset) -> Failure | None:
        """Builds, compiles and calls the model on two rows, without tracing a graph."""
        if self._span is not None and self._compilation(trial, Compiler.GRAPH, dataset) is not Compilation.MIRRORED:
            return Failure(cause=Cause.SPEC, message=CANNOT_SPAN)
        forget_models()
        try:
            model = build_model(trial.spec, dataset.schema.feature_shape, trial.seed)
            compile_model(model, trial.spec.compile, run_eagerly=True)
            features, target, *_ = training_rows(trial.spec, dataset).ready(slice(0, 2))
            model.test_on_batch(features, target)
        except Exception as error:  # (whatever Keras raises is the answer)
            return failure_of(error)
        return None

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        """A `.keras` file that `keras.models.load_model` opens by itself."""
        forget_models()
        model = build_model(trial.spec, feature_shape, trial.seed)
        put_weights(model, weights)
        # An optimizer without variables would make `load_model` warn that it cannot restore them.
        model.optimizer.build(model.trainable_variables)
        return keras_file(model)

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:
        """See PackRunner."""
        return keras_file(preprocessing_model(model))

    def predict(self, model: FinishedModel, features: Array) -> Array:
        """See PackRunner. The model that was used last stays built."""
        key = (model.trial.id, model.digest)
        if self._predictor is None or self._predictor[0] != key:
            self._predictor = (key, Predictor.of(model))
        return self._predictor[1].predict(features)

    def evaluate(self, model: FinishedModel, blocks: Iterable[Split]) -> Mapping[str, float]:
        """See PackRunner."""
        return evaluate_model(model, blocks)


def _saving(pack: Pack, saved: bytes | None, of: Mapping[str, str], stopping: Stopping) -> Saving:
    return Saving(pack.checkpoint_seconds, None if saved is None else Checkpoint.decode(saved, of), stopping)


def _encoded(
    items: Iterator[EpochReport | Checkpoint], of: Mapping[str, str]
) -> Iterator[EpochReport | PackCheckpoint]:
    for item in items:
        if isinstance(item, Checkpoint):
            yield PackCheckpoint(epochs=item.epochs, content=item.encode(of))
        else:
            yield item
