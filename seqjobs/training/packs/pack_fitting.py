"""PackFitting: what the fit of a pack has come to, member by member."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, final

import numpy as np

from seqjobs.data.dataset import Array
from seqjobs.planning.ranking import sort_key
from seqjobs.planning.trial import Pack
from seqjobs.training.fitting import TimeIsUp
from seqjobs.training.outcome import Cause, EpochReport, Failure, TrialOutcome, Weights
from seqjobs.training.pack_history import PackHistory
from seqjobs.training.packs.callbacks import Logs, Members
from seqjobs.training.packs.pack_program import weights_of


@final
class PackFitting:
    """Grows epoch by epoch. The numbers of a member end where it stopped."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._size = len(pack.trials)
        self._began = time.monotonic()
        self._epochs: list[Logs] = []
        self._num_epochs = np.zeros(self._size, int)
        self._failures: dict[int, Failure] = {}
        self._weights_epochs = np.full(self._size, -1)
        self._weights: Sequence[Array] = ()
        self.training: Members = np.ones(self._size, bool)

    def note(self, epoch: int, logs: Logs, stopped: Members) -> EpochReport:
        """Takes an epoch of those that train, and that some of them stop behind it.

        A loss that is no number stops a member too: nothing after it means anything.
        """
        self._epochs.append({name: values[: self._size].astype(np.float32) for name, values in logs.items()})
        self._num_epochs[self.training] = epoch + 1
        losses = self._epochs[-1]["loss"]
        for member in np.flatnonzero(self.training & ~np.isfinite(losses)):
            message = f"the loss became {float(losses[member])} in epoch {epoch + 1}"
            self._failures[int(member)] = Failure(cause=Cause.NAN, message=message)
        self._weights_epochs[self.training] = epoch
        report = EpochReport(epoch=epoch, metrics=self._shown())
        self.training = self.training & ~stopped[: self._size] & np.isfinite(losses)
        return report

    def check_time(self) -> None:
        """Raises TimeIsUp, with failures noted, once each member has had its share of the time for longer than a
        trial may train."""
        limits = [trial.trial_seconds for trial in self._pack.trials if trial.trial_seconds is not None]
        if limits and self._seconds > min(limits):
            message = f"it trained longer than limits.trial_time, {min(limits):g} s"
            # Those too that had stopped: what they would end with is in the pack that does not go on.
            for member in range(self._size):
                self._failures.setdefault(member, Failure(cause=Cause.TIME, message=message))
            raise TimeIsUp

    @property
    def epochs(self) -> int:
        """How many epochs are over."""
        return len(self._epochs)

    @property
    def notes(self) -> dict[str, Any]:
        """What a checkpoint keeps of it, with `arrays`."""
        return {
            "metrics": list(self._epochs[0]),
            "seconds": time.monotonic() - self._began,
            "failures": {str(member): asdict(failure) for member, failure in self._failures.items()},
        }

    @property
    def arrays(self) -> dict[str, Array]:
        return {
            "history": PackHistory.of(self._epochs).values,
            "num-epochs": self._num_epochs.copy(),
            "weights-epochs": self._weights_epochs.copy(),
            "training": self.training.copy(),
        }

    def put_back(self, notes: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Goes on from what `notes` and `arrays` were."""
        histories = dict(zip(notes["metrics"], arrays["history"], strict=True))
        self._epochs = [
            {name: np.array(values[epoch]) for name, values in histories.items()}
            for epoch in range(arrays["history"].shape[1])
        ]
        self._began -= notes["seconds"]
        self._failures = {
            int(member): Failure(**{**failure, "cause": Cause(failure["cause"])})
            for member, failure in notes["failures"].items()
        }
        self._num_epochs = np.array(arrays["num-epochs"])
        self._weights_epochs = np.array(arrays["weights-epochs"])
        self.training = np.array(arrays["training"])

    def fail(self, failure: Failure) -> None:
        """No member has a result."""
        self._failures = dict.fromkeys(range(self._size), failure)

    def finish(self, weights: Sequence[Array], restored: Members, epochs: Array) -> None:
        """Takes the weights, arrays (members, ...), and of which members they are those of an earlier epoch."""
        self._weights = weights
        self._weights_epochs = np.where(restored[: self._size], epochs[: self._size], self._weights_epochs)

    def outcomes(self, compiled: str) -> Iterator[tuple[TrialOutcome, Weights]]:
        """Of every member, in order."""
        outcomes = self._outcomes(compiled)
        kept = self._kept(outcomes)
        for member, outcome in enumerate(outcomes):
            yield outcome, weights_of(self._weights, member) if member in kept else ()

    def _outcomes(self, compiled: str) -> list[TrialOutcome]:
        history, seconds = PackHistory.of(self._epochs), self._seconds
        return [
            TrialOutcome(
                trial_id=trial.id,
                history=history.member(member, num_epochs),
                weights_epoch=weights_epoch,
                seconds=seconds,
                failure=self._failures.get(member),
                compiled=compiled,
            )
            for member, (trial, num_epochs, weights_epoch) in enumerate(
                zip(self._pack.trials, self._num_epochs.tolist(), self._weights_epochs.tolist(), strict=True)
            )
        ]

    def _kept(self, outcomes: Sequence[TrialOutcome]) -> set[int]:
        """The members that are among the best of the pack: no other can be among the best of the job."""
        objective = self._pack.objective
        ranked = [
            (sort_key(outcome.value(objective.metric), objective), member)
            for member, outcome in enumerate(outcomes)
            if not outcome.failed
        ]
        return {member for _, member in heapq.nsmallest(self._pack.keep_best, ranked)}

    @property
    def _seconds(self) -> float:
        """A member's share of the time so far."""
        return (time.monotonic() - self._began) / self._size

    def _shown(self) -> dict[str, Array]:
        """The last epoch; of members that stopped before it, the number they stopped with."""
        now = self._epochs[-1]
        if len(self._epochs) > 1:
            before = self._epochs[-2]
            for name, values in now.items():
                now[name] = np.where(self.training, values, before.get(name, values))
        return now
