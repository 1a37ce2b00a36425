"""FakeRunner: a PackRunner that trains nothing, in microseconds: its numbers are a hash of the trial and the data.

What else a trial does is written where a layer has its `units`: see `Behaviour`. `python -m tests.fake_runner SPEC
RUNS_DIR RUN` is a submit with it in a process of its own, for tests that kill.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

from seqjobs.data.dataset import Array, Dataset, Split
from seqjobs.planning.trial import Pack, Trial
from seqjobs.results.weights import encode_weights
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.outcome import (
    NOTHING_COMPILED,
    Cause,
    Compilations,
    EpochReport,
    Failure,
    History,
    PackCheckpoint,
    RunnerItem,
    Stopping,
    TrialOutcome,
    Weights,
    never,
)
from seqjobs.training.pack_history import PackHistory

EXIT_CODE = 86
SAVES_ALWAYS = 1.0
"""With `limits.checkpoint` of a second at most there is a checkpoint behind every epoch."""


class Behaviour(IntEnum):
    """The `units` of a trial's first Dense layer, or its learning rate, that make it do something special; it is well
    behaved with others. A learning rate leaves a trial among those of its program."""

    SPEC = 901
    """Fails by itself, with the cause of that name; so do the next ones."""
    DATA = 902
    NAN = 903
    TIME = 904
    OUT_OF_MEMORY = 905
    CRASH = 906
    INFRASTRUCTURE = 907
    EXIT = 910
    """Takes its process with it, whenever it is tried."""
    EXIT_ONCE = 911
    """The same, the first time (which it finds in the notes)."""
    RAISE = 912
    """Breaks the contract of PackRunner: it raises."""
    FAIL_ONCE = 913
    """Fails with CRASH the first time (which it finds in the notes)."""
    SLEEP = 914
    """Takes `StartFake.sleep` seconds more an epoch."""
    NAN_VALUE = 915
    """Finishes, with validation metrics that are no numbers."""
    INFINITE = 916
    """Finishes, with validation metrics that are infinite, in both directions."""
    UNBUILDABLE = 917
    """Is found out by `check`."""
    ALLOCATE = 918
    """Leaves `StartFake.allocate` more bytes behind in its process."""
    PRINT = 919
    """Prints, as a library would."""
    LARGE = 920
    """Has weights of more than a megabyte."""
    SLEEP_ONCE = 921
    """As SLEEP, the first time (which it finds in the notes)."""
    SLOW = 922
    """Takes `StartFake.slow` seconds more an epoch."""
    APART = 923
    """Its pack reports no epoch and takes as long for each member, as where they have to train one by one."""

    EXIT_IN_CHECK = 924
    """Takes its process with it when it is checked."""


FIRST_TIME: dict[Behaviour | None, Behaviour] = {
    Behaviour.FAIL_ONCE: Behaviour.CRASH,
    Behaviour.SLEEP_ONCE: Behaviour.SLEEP,
}


@dataclass(frozen=True, kw_only=True)
class StartFake:
    """What `InProcess` and `RayPool` take as `start`: makes the runner of a worker.

    Every training adds a line `begun TRIAL PID EPOCH` and, if it gets there, `ended TRIAL PID` to the file `notes`;
    EPOCH is the one it begins with, which is not 0 behind a checkpoint.
    """

    notes: Path | None = None
    epoch_seconds: float = 0.0
    sleep: float = 3600.0
    slow: float = 0.3
    slow_from: int = 0
    """SLOW has an effect from the training with this number on, as the notes count them."""
    mended: bool = False
    """Nobody does anything special any more."""
    allocate: int = 0
    prints: bool = True
    """Whether every trial has something to log. Real ones seldom have, and a file each costs its driver 0.3 ms."""

    def __call__(self, cpus: int, *, gpu_share: float | None = None) -> FakeRunner:
        return FakeRunner(self, cpus, gpu_share)


class FakeRunner:
    """See the module. Epochs, seeds and EarlyStopping are honoured, as far as one can without training."""

    def __init__(self, knobs: StartFake, cpus: int, gpu_share: float | None = None) -> None:
        self._knobs = knobs
        self._left_behind: list[bytearray] = []
        self.devices: tuple[str, ...] = (f"fake:{cpus}",)
        if gpu_share is not None:
            self.devices += (f"{gpu_share} of GPU {os.environ['CUDA_VISIBLE_DEVICES']}",)
        self.versions: tuple[tuple[str, str], ...] = (("fake", "1"),)

    @property
    def compilations(self) -> Compilations:
        """None: there is nothing to compile."""
        return NOTHING_COMPILED

    def check(self, trial: Trial, dataset: Dataset) -> Failure | None:  # noqa: ARG002
        if _behaviour(trial) is Behaviour.EXIT_IN_CHECK:
            os._exit(EXIT_CODE)
        if _behaviour(trial) is Behaviour.UNBUILDABLE:
            return Failure(cause=Cause.SPEC, message="cannot be built, being fake")
        return None

    def run(
        self, pack: Pack, dataset: Dataset, saved: bytes | None = None, stopping: Stopping = never
    ) -> Iterator[RunnerItem]:
        """A checkpoint is the number of epochs and the pack's id."""
        first = int(saved.split()[0]) if saved is not None and saved.split()[1] == pack.id.encode() else 0
        behaviours = [self._begin(trial, first) for trial in pack.trials]
        histories = [history_of(trial, dataset) for trial in pack.trials]
        notes = self._knobs.notes
        is_slow = Behaviour.SLOW in behaviours and (notes is None or len(trainings(notes)) >= self._knobs.slow_from)
        for epoch in range(first, pack.trials[0].spec.fit.epochs):
            time.sleep(self._knobs.epoch_seconds)
            if Behaviour.SLEEP in behaviours:
                time.sleep(self._knobs.sleep)
            if is_slow:
                time.sleep(self._knobs.slow)
            if Behaviour.APART in behaviours:
                if stopping():
                    return
                continue
            yield EpochReport(
                epoch=epoch,
                metrics={metric: tuple(history[metric][epoch] for history in histories) for metric in histories[0]},
            )
            ends = stopping() and epoch + 1 < pack.trials[0].spec.fit.epochs
            if ends or pack.checkpoint_seconds <= SAVES_ALWAYS:
                yield PackCheckpoint(epochs=epoch + 1, content=f"{epoch + 1} {pack.id}".encode())
            if ends:
                return
        for trial, behaviour, history in zip(pack.trials, behaviours, together(histories), strict=True):
            failure = _failure(behaviour)
            if Behaviour.APART in behaviours:
                time.sleep(self._knobs.slow)
            self._note("ended", trial)
            yield TrialOutcome(
                trial_id=trial.id,
                history=history,
                weights_epoch=_weights_epoch(trial, history),
                seconds=time.perf_counter() % 1,  # (differs from run to run, as it would)
                failure=failure,
                log=f"trial {trial.id} was faked\n" if self._knobs.prints else "",
            )
            yield weights_of(trial, dataset) if failure is None else ()

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        digest = hashlib.sha256(encode_weights(weights)).hexdigest()
        return f"fake keras file of {trial.id} for {feature_shape} with {digest}\n".encode()

    def predict(self, model: FinishedModel, features: Array) -> Array:
        """Two outputs: the sums of a row's features and of the first weights."""
        sums = features.reshape(len(features), -1).sum(axis=1, dtype=np.float32)
        return np.stack([sums, np.full_like(sums, model.weights[0].sum())], axis=1)

    def evaluate(self, model: FinishedModel, blocks: Iterable[Split]) -> Mapping[str, float]:  # noqa: ARG002
        """The number of rows, and how much they count."""
        splits = list(blocks)
        weights = [float(len(split) if split.weight is None else split.weight.sum()) for split in splits]
        return {"loss": float(sum(map(len, splits))), "weight": sum(weights)}

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:
        return self.export(model.trial, model.preparation.feature_shape, model.weights)

    def _begin(self, trial: Trial, epoch: int) -> Behaviour | None:
        again = self._knobs.notes is not None and trial.id in trainings(self._knobs.notes)
        self._note("begun", trial, epoch)
        behaviour = None if self._knobs.mended else _behaviour(trial)
        if behaviour is Behaviour.EXIT or (behaviour is Behaviour.EXIT_ONCE and not again):
            time.sleep(1)  # (what the process has just sent is on its way still)
            os._exit(EXIT_CODE)
        if behaviour is Behaviour.RAISE:
            raise RuntimeError("a runner that raises")
        if behaviour is Behaviour.ALLOCATE:
            # Written to, or the pages would not be there.
            self._left_behind.append(bytearray(b"x") * self._knobs.allocate)
        if behaviour is Behaviour.PRINT:
            print(f"trial {trial.id} prints", flush=True)
        return behaviour if again else FIRST_TIME.get(behaviour, behaviour)

    def _note(self, word: str, trial: Trial, epoch: int = 0) -> None:
        if self._knobs.notes is not None:
            with self._knobs.notes.open("a") as file:
                file.write(f"{word} {trial.id} {os.getpid()} {epoch}\n")


def trainings(notes: Path, word: str = "begun") -> list[str]:
    """The ids of the trials whose trainings were begun (or `ended`), in order, one that was trained again again."""
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [line.split()[1] for line in lines if line.startswith(word)]


def history_of(trial: Trial, dataset: Dataset) -> History:
    """What a training of the trial on this data always gives."""
    random = _random(trial, dataset, "history")
    validated = dataset.validation is not None or trial.spec.fit.validation_split > 0
    names = ("loss", "accuracy", *(("val_loss", "val_accuracy") if validated else ()))
    numbers = {name: [float(number) for number in random.random(trial.spec.fit.epochs)] for name in names}
    bad = {Behaviour.NAN_VALUE: [float("nan")], Behaviour.INFINITE: [float("inf"), float("-inf")]}
    for name in names[2:]:
        if values := bad.get(_behaviour(trial) or Behaviour.SPEC):
            numbers[name] = [values[epoch % len(values)] for epoch in range(trial.spec.fit.epochs)]
    # Keras's metrics are float32.
    return {name: tuple(np.array(values, np.float32).tolist()) for name, values in numbers.items()}


def together(histories: Sequence[History]) -> Sequence[History]:
    """As the members of a pack have them: in one array, where they train together."""
    if len(histories) == 1:
        return histories
    names, num_epochs = tuple(histories[0]), len(next(iter(histories[0].values())))
    values = np.array([[history[name] for history in histories] for name in names], np.float32)
    shared = PackHistory(metrics=names, values=values.transpose(0, 2, 1))
    return [shared.member(place, num_epochs) for place in range(len(histories))]


def weights_of(trial: Trial, dataset: Dataset) -> Weights:
    """Its weights, likewise."""
    random = _random(trial, dataset, "weights")
    rows = 100_000 if _behaviour(trial) is Behaviour.LARGE else 4
    return random.random((rows, 3)).astype(np.float32), random.random(3).astype(np.float32)


def _random(trial: Trial, dataset: Dataset, purpose: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{trial.id} {dataset.fingerprint} {purpose}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _weights_epoch(trial: Trial, history: History) -> int:
    """The last epoch; the best where there are callbacks: EarlyStopping may have put its weights back."""
    if trial.spec.fit.callbacks:
        return int(np.argmin(history["val_loss"]))
    return trial.spec.fit.epochs - 1


def _behaviour(trial: Trial) -> Behaviour | None:
    numbers = (trial.spec.model[0].arguments.get("units"), trial.spec.compile.optimizer.arguments.get("learning_rate"))
    return next((Behaviour(int(n)) for n in numbers if isinstance(n, int | float) and n in set(Behaviour)), None)


def _failure(behaviour: Behaviour | None) -> Failure | None:
    if behaviour is None or behaviour.name not in Cause.__members__:
        return None
    return Failure(cause=Cause[behaviour.name], message="as asked for", traceback="Traceback: none, it is fake\n")


def main() -> None:
    # A worker, which imports this module for its runner alone, does without these.
    from seqjobs.execution.in_process import InProcess  # noqa: PLC0415
    from seqjobs.planning.plan import make_plan  # noqa: PLC0415
    from seqjobs.results.progress import Silent  # noqa: PLC0415
    from seqjobs.results.run_folders import run_folder  # noqa: PLC0415
    from seqjobs.run import run_job  # noqa: PLC0415
    from seqjobs.spec.load import load_job  # noqa: PLC0415

    parser = argparse.ArgumentParser()
    parser.add_argument("spec", type=Path)
    parser.add_argument("runs_dir", type=Path)
    parser.add_argument("run")
    parser.add_argument("--notes", type=Path)
    parser.add_argument("--epoch-seconds", type=float, default=0.0)
    arguments = parser.parse_args()
    plan = make_plan([load_job(arguments.spec, ())])
    start = StartFake(notes=arguments.notes, epoch_seconds=arguments.epoch_seconds)
    run = run_job(plan, InProcess(start=start), run_folder(arguments.runs_dir, arguments.run), Silent())
    print(run.status)


if __name__ == "__main__":
    main()
