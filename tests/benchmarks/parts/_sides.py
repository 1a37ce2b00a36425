"""The sides of a workload: who trains it, and what to call for a Timing of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import measured_by
from tests.benchmarks.parts._probed import probed
from tests.benchmarks.peers import KERAS_LOOP, PEERS, Peer
from tests.benchmarks.results import Side
from tests.benchmarks.timing import PoolTiming, Timing
from tests.benchmarks.workloads import Workload

PACKED, SINGLY, ONE_CORE = "seqjobs", "seqjobs-singly", "seqjobs-one-core"
SMALL = "small"
# Trials under seeds of their own do not share an order of rows, so they cannot be packed.
MAX_SINGLY = 256
POOL = "tests.benchmarks.subject.pool"
WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A side as it stands in the results, and what measures it once. `measure` raises ChildError."""

    name: str
    label: str
    how: str
    measure: Callable[[], Timing]

    def side(self) -> Side:
        """Without a sample yet."""
        return Side(name=self.name, label=self.label, how=self.how, trials=0, startup_seconds=(), seconds=())


def alternating(bench: Bench, workload: Workload) -> Iterator[Contestant]:
    """Those that are measured in turns, since noise would harm what is compared most."""
    searched = partial(_pool, bench, workload, WORKERS, f"search.trials={workload.trials}")
    yield Contestant(name=PACKED, label="seqjobs", how=_on_ray(WORKERS), measure=searched)
    yield _peer(bench, workload, KERAS_LOOP, PEERS[KERAS_LOOP])
    if workload.name == SMALL:
        repeats = f"search.repeats={min(workload.trials, MAX_SINGLY)}"
        repeated = partial(_pool, bench, workload, bench.workers_again, "search.trials=1", repeats)
        how = f"{_on_ray(bench.workers_again)}; every trial under a seed of its own"
        yield Contestant(name=SINGLY, label="seqjobs, one at a time", how=how, measure=repeated)


def once(bench: Bench, workload: Workload) -> Iterator[Contestant]:
    """Those that are measured once: the slow ones, and what is no comparison."""
    yield Contestant(
        name=ONE_CORE,
        label="seqjobs, one core",
        how="one process of 1 thread, without Ray and log",
        measure=lambda: Timing.model_validate(probed(bench, workload.name, "speed")),
    )
    for name, peer in PEERS.items():
        wanted = workload.name == SMALL or not (peer.small_alone or (peer.slow and not bench.all_peers))
        if name != KERAS_LOOP and wanted and not bench.quick and not missing(peer):
            yield _peer(bench, workload, name, peer)


def missing(peer: Peer) -> str:
    """Why a peer cannot be measured here; empty if it can."""
    absent = [module for module in peer.needs if importlib.util.find_spec(module) is None]
    return f"{', '.join(absent)} not installed" if absent else ""


def _on_ray(workers: int) -> str:
    return f"{workers} Ray worker{'s' if workers > 1 else ''} of 1 thread, a whole run with its commit log"


def _pool(bench: Bench, workload: Workload, workers: int, *overrides: str) -> Timing:
    options = [option for override in overrides for option in ("-S", override)]
    line = measured_by(POOL, bench.data_of(workload.name), "--repeats", bench.runs, "--workers", workers, *options)
    timing = PoolTiming.model_validate_json(line)
    packs = f", packs of {timing.trials // timing.packs}" if timing.trials > timing.packs else ""
    return Timing(
        startup_seconds=timing.startup_seconds,
        seconds=timing.seconds,
        trials=timing.trials,
        note=f"{timing.compiled}{packs}",
    )


def _peer(bench: Bench, workload: Workload, name: str, peer: Peer) -> Contestant:
    def measure() -> Timing:
        # So that each gives the same number of samples.
        trials = workload.peer_trials + peer.at_once - 1
        arguments = ("--trials", trials, *peer.arguments)
        return Timing.model_validate_json(measured_by(peer.module, bench.data_of(workload.name), *arguments))

    return Contestant(name=name, label=peer.label, how=peer.how, measure=measure)
