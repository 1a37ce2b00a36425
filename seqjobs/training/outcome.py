"""What training a pack gives back: epoch reports, then one outcome a trial. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from seqjobs.data.dataset import Array, Dataset, Split
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.finished_model import FinishedModel

PROGRAMS_HELD = 8
"""How many compiled programs a worker holds, those used last; whoever routes packs to workers counts on it."""

History = Mapping[str, tuple[float, ...]]
"""Metric -> one number per epoch, columns and values as Keras's `History` has them."""

Weights = tuple[Array, ...]
"""A model's weights in the order of `model.get_weights()`."""


class Cause(StrEnum):
    """Why a trial has no result; decides whether it is tried again."""

    SPEC = "spec"
    """The model cannot be built or compiled as written: fails at once."""
    DATA = "data"
    """The data does not fit the model, or cannot be read: fails at once."""
    NAN = "nan"
    """The loss stopped being a number: fails at once."""
    TIME = "time"
    """It trained longer than `limits.trial_time`: fails at once."""
    OUT_OF_MEMORY = "out-of-memory"
    """Memory ran out: tried again, since a neighbour may have taken it."""
    CRASH = "crash"
    """Its worker died under it: tried again up to `limits.retries`."""
    INFRASTRUCTURE = "infrastructure"
    """A node or the cluster was lost: tried again, not charged to the trial."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a trial failed; a value, since one failed trial is no reason to stop a run."""

    cause: Cause
    message: str
    traceback: str = ""


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """One epoch of a pack is over: metric -> one number per member, in the pack's order.

    A member that stopped before has the numbers that it stopped with.
    """

    epoch: int  # counted from 0
    metrics: Mapping[str, tuple[float, ...] | Array]


@dataclass(frozen=True, kw_only=True)
class PackCheckpoint:
    """A pack at the end of an epoch: with `content` a runner of the same versions goes on behind it, to the bit."""

    epochs: int
    """How many are over."""
    content: bytes


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """What became of one trial. Exactly one of `failure` and a usable result: see `failed`.

    `weights_epoch` is the epoch (from 0) whose weights the model ended with: the last one, or the best where
    EarlyStopping restored it. A failed trial keeps the history it got so far.
    """

    trial_id: str
    history: History
    weights_epoch: int
    seconds: float
    failure: Failure | None = None
    log: str = ""
    """What was printed while it trained."""
    compiled: str = ""
    """How its steps were carried out: xla, graph, eager or stock; the last bits depend on it."""

    @property
    def failed(self) -> bool:
        return self.failure is not None

    def value(self, metric: str) -> float | None:
        """The metric at the epoch whose weights the model ended with, so that the number describes the model."""
        values = self.history.get(metric, ())
        return values[self.weights_epoch] if not self.failed and 0 <= self.weights_epoch < len(values) else None


@dataclass(frozen=True, kw_only=True)
class Compilations:
    """What was compiled: how many programs, and for how long, the first call of each compiled function included."""

    programs: int = 0
    seconds: float = 0.0

    def __add__(self, other: Compilations) -> Compilations:
        return Compilations(programs=self.programs + other.programs, seconds=self.seconds + other.seconds)

    def __sub__(self, other: Compilations) -> Compilations:
        return Compilations(programs=self.programs - other.programs, seconds=self.seconds - other.seconds)


NOTHING_COMPILED = Compilations()


Stopping = Callable[[], bool]
"""Whether what is trained is to be saved and to end, as soon as it can go on from there later."""


def never() -> bool:
    """Nobody asks for an end."""
    return False


RunnerItem = EpochReport | PackCheckpoint | TrialOutcome | Weights


class PackRunner(Protocol):
    """Trains packs in one process; made once per worker, so that what is costly to start is paid once."""

    devices: tuple[str, ...]
    """What it computes on, as a person would name it."""
    versions: tuple[tuple[str, str], ...]
    """Of the libraries that decide the numbers."""

    @property
    def compilations(self) -> Compilations:
        """All so far."""

    def check(self, trial: Trial, dataset: Dataset) -> Failure | None:
        """Builds the trial's model and calls it on two rows, training nothing; says why it cannot be trained."""

    def run(
        self, pack: Pack, dataset: Dataset, saved: bytes | None = None, stopping: Stopping = never
    ) -> Iterator[RunnerItem]:
        """Yields a report per epoch; then for every member, in order, its outcome and then its weights.

        Every `checkpoint_seconds` of the pack it yields a PackCheckpoint too; `saved` is the content of such a one,
        to go on from. What it cannot use it passes over, and begins anew.
        Once `stopping` says so, it yields a PackCheckpoint behind the present epoch and ends without outcomes; at
        once where it is of a kind that cannot be saved. A pack whose last epoch that is ends with its outcomes.
        The weights are an empty tuple of a member that failed, and may be of one that is not among the pack's
        `keep_best`. Raises nothing for what a trial does wrong.
        """

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        """The bytes of a `.keras` file that `keras.models.load_model` opens by itself."""

    def predict(self, model: FinishedModel, features: Array) -> Array:
        """The model's outputs (rows, ...) float32 of features as they are stored. Raises DataError E419."""

    def evaluate(self, model: FinishedModel, blocks: Iterable[Split]) -> Mapping[str, float]:
        """Loss and metrics over all rows, by name. Raises DataError, also what `blocks` raises."""

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:
        """As `export`, of a model that takes raw columns; its preparation must have passed `check_exportable`."""
