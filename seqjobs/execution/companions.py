"""Companions: the further processes of a worker whose trials span several, and what keeps them in step with the first.

The first process, the actor of Worker, makes them, and with it they end.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, final

from seqjobs.data.dataset import Array, Dataset, Split
from seqjobs.data.streamed.presence import present
from seqjobs.execution.start_runner import StartRunner
from seqjobs.planning.resources import Resources
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.outcome import Compilations, Failure, PackRunner, RunnerItem, Stopping, Weights, never
from seqjobs.training.span import Span

STEPS, LIFE = "steps", "life"
"""Concurrency groups of a companion: its word to go on, and the call that lasts as long as it does; a thread each."""
# Companions that have the word to turn back are at the end of an epoch, or in the midst of one that all are at.
END_SECONDS = 60.0
LOST = 87
"""The exit code of a first process that lost a companion."""


@final
class Steps:
    """How far a companion may go: epochs of one pack after another, each of which has a number."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pack = 0
        self._allowed = 0
        self._taken = 0
        self._ended = 0

    def begin(self, pack: int) -> None:
        """Its own thread begins a pack; the word to go on may have come before."""
        with self._changed:
            self._renew(pack)
            self._taken = 0

    def allow(self, pack: int) -> None:
        """One epoch more."""
        with self._changed:
            self._renew(pack)
            self._allowed += 1
            self._changed.notify_all()

    def end(self, pack: int) -> None:
        """No epoch more."""
        with self._changed:
            self._ended = max(self._ended, pack)
            self._changed.notify_all()

    def take(self) -> bool:
        """Waits for the word; False where there is to be no epoch more."""
        with self._changed:
            self._changed.wait_for(lambda: self._allowed > self._taken or self._ended >= self._pack)
            if self._allowed <= self._taken:
                return False
            self._taken += 1
            return True

    def _renew(self, pack: int) -> None:
        if pack > self._pack:
            self._pack, self._allowed = pack, 0


@final
class Companion:
    """The actor: one process more, which trains what the first does."""

    def __init__(self) -> None:
        self._steps = Steps()
        self._door = Door()

    def place(self) -> tuple[str, str]:
        """`host:port` for TensorFlow's server, and Ray's id of the machine."""
        import ray  # noqa: PLC0415

        return self._door.address, ray.get_runtime_context().get_node_id()

    def join(self, addresses: tuple[str, ...], index: int, cpus: int, start: StartRunner) -> None:
        """Imports TensorFlow and meets the others."""
        self._door.leave()
        self._runner = start(cpus, Span(addresses=addresses, index=index, may_go_on=self._steps.take))

    def train(self, number: int, pack: Pack, rows: Sequence[Any], saved: bytes | None) -> None:
        """Trains along, from the first epoch or a checkpoint to the end; `rows` is the reference of the dataset."""
        import ray  # noqa: PLC0415 (loaded already, being inside a Ray worker)

        self._steps.begin(number)
        try:
            for _ in self._runner.run(without_clocks(pack), present(ray.get(rows[0])), saved):
                pass
        except BaseException as error:
            # The others wait for this process in the midst of an epoch: its end is what tells them.
            _end(f"a process of the worker ended: {error!r}")

    def allow(self, number: int) -> None:
        """To be called in the group STEPS, as `end`."""
        self._steps.allow(number)

    def end(self, number: int) -> None:
        self._steps.end(number)

    def live(self) -> None:
        """Never returns; to be called in the group LIFE. Who waits for it learns of this process's death."""
        threading.Event().wait()


def without_clocks(pack: Pack) -> Pack:
    """The pack for a process that decides nothing: the first one looks at the time, and saves."""
    trials = tuple(replace(trial, trial_seconds=None) for trial in pack.trials)
    return replace(pack, trials=trials, checkpoint_seconds=float("inf"))


@final
class Door:
    """A port of this machine that is free for TensorFlow's server, held until it takes it."""

    def __init__(self) -> None:
        import ray  # noqa: PLC0415

        self._socket = socket.socket()
        self._socket.bind(("", 0))
        self.address = f"{ray.util.get_node_ip_address()}:{self._socket.getsockname()[1]}"

    def leave(self) -> None:
        self._socket.close()


@final
class SpanningRunner:
    """A PackRunner over several processes: the runner of the first, with the companions in step."""

    def __init__(self, runner: PackRunner, companions: Sequence[Any], node_ids: Sequence[str], word: _Word) -> None:
        self._runner = runner
        self._companions = companions
        self.node_ids = tuple(node_ids)
        """Ray's ids of the companions' machines."""
        self._word = word
        self.devices = (*runner.devices, f"and {len(companions)} more workers")
        self.versions = runner.versions
        self.rows: Sequence[Any] = ()
        """The reference of the dataset that is trained on, for the companions to fetch."""

    @property
    def compilations(self) -> Compilations:
        return self._runner.compilations

    def run(
        self, pack: Pack, dataset: Dataset, saved: bytes | None = None, stopping: Stopping = never
    ) -> Iterator[RunnerItem]:
        number = self._word.next_pack()
        calls = [companion.train.remote(number, pack, self.rows, saved) for companion in self._companions]
        try:
            yield from self._runner.run(pack, dataset, saved, stopping)
        finally:
            self._word.end()
            _await(calls)

    def check(self, trial: Trial, dataset: Dataset) -> Failure | None:
        return self._runner.check(trial, dataset)

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        return self._runner.export(trial, feature_shape, weights)

    def predict(self, model: FinishedModel, features: Array) -> Array:
        return self._runner.predict(model, features)

    def evaluate(self, model: FinishedModel, blocks: Iterable[Split]) -> Mapping[str, float]:
        return self._runner.evaluate(model, blocks)

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:
        return self._runner.export_with_preprocessing(model)


@final
class _Word:
    """What the first process says to the others."""

    def __init__(self, companions: Sequence[Any]) -> None:
        self._companions = companions
        self._number = 0

    def next_pack(self) -> int:
        self._number += 1
        return self._number

    def go_on(self) -> bool:
        for companion in self._companions:
            companion.allow.options(concurrency_group=STEPS).remote(self._number)
        return True

    def end(self) -> None:
        for companion in self._companions:
            companion.end.options(concurrency_group=STEPS).remote(self._number)


def room_for(ray: Any, resources: Resources, gpus: float) -> Any:
    """A placement group with a bundle for each process of a worker: there is room for all of them, or for none."""
    bundle = {"CPU": resources.cpus, "GPU": gpus, "memory": resources.memory or 0}
    bundle = {name: amount for name, amount in bundle.items() if amount}
    return ray.util.placement_group([bundle] * resources.workers, strategy="PACK")


def in_bundle(ray: Any, group: Any, index: int) -> Any:
    """The scheduling strategy that puts an actor into the room of one process."""
    strategy = ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy
    return strategy(placement_group=group, placement_group_bundle_index=index)


def start_spanning(start: StartRunner, resources: Resources, gpus: float, group: Any) -> SpanningRunner:
    """Makes the companions of this process, in its placement group, and what trains on all of them."""
    import ray  # noqa: PLC0415

    companions = _companions(ray, resources, gpus, group)
    door, word = Door(), _Word(companions)
    places = ray.get([companion.place.remote() for companion in companions])
    addresses = (door.address, *(address for address, _ in places))
    cpus, following = resources.cpus, enumerate(companions, start=1)
    joined = [companion.join.remote(addresses, index, cpus, start) for index, companion in following]
    _watch(companions)
    door.leave()
    runner = start(cpus, Span(addresses=addresses, index=0, may_go_on=word.go_on))
    ray.get(joined)
    return SpanningRunner(runner, companions, [node_id for _, node_id in places], word)


def _companions(ray: Any, resources: Resources, gpus: float, group: Any) -> list[Any]:
    made = ray.remote(concurrency_groups={STEPS: 1, LIFE: 1})(Companion)
    wanted = {"num_cpus": resources.cpus, "num_gpus": gpus, "memory": resources.memory, "max_restarts": 0}
    bundles = range(1, resources.workers)
    return [made.options(**wanted, scheduling_strategy=in_bundle(ray, group, index)).remote() for index in bundles]


def _watch(companions: Sequence[Any]) -> None:
    """Ends this process when a companion dies, whatever it is at: it may wait for that one for ever."""
    lives = [companion.live.options(concurrency_group=LIFE).remote() for companion in companions]

    def wait() -> None:
        import ray  # noqa: PLC0415

        ray.wait(lives, num_returns=1, fetch_local=False)
        os._exit(LOST)

    threading.Thread(target=wait, name="companions", daemon=True).start()


def _await(calls: Sequence[Any]) -> None:
    """Until all companions have ended the pack. Where one does not, all of this worker ends."""
    import ray  # noqa: PLC0415

    with contextlib.suppress(ray.exceptions.GetTimeoutError):
        ray.get(list(calls), timeout=END_SECONDS)
        return
    _end("a process of the worker did not finish its epoch")


def _end(why: str) -> None:
    sys.stderr.write(f"{why}\n")
    sys.stderr.flush()
    os._exit(LOST)
