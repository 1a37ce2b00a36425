"""How long a person waits for a first leaderboard, start-up and all."""

from __future__ import annotations

import statistics
import tempfile
import time

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.markdown import seconds, table, times
from tests.benchmarks.parts._base import Part, without
from tests.benchmarks.parts._sides import SMALL
from tests.benchmarks.peers import KERAS_LOOP, PEERS, RAY_TUNE
from tests.benchmarks.results import FirstLeaderboard, Results

TRIALS, QUICK_TRIALS = 64, 4
COMPARED = (KERAS_LOOP, RAY_TUNE)


def measure(bench: Bench, results: Results) -> Results:
    """`seqjobs submit` of small trials, as a person types it."""
    trials = QUICK_TRIALS if bench.quick else TRIALS
    samples = []
    for _ in range(bench.repeats):
        with tempfile.TemporaryDirectory() as runs_dir:
            workers = ("--workers", bench.workers_again)
            options = ("--runs-dir", runs_dir, *workers, "-o", "json", "-S", f"search.trials={trials}")
            began = time.perf_counter()
            try:
                measured_by("seqjobs.cli.main", "submit", bench.data_of(SMALL) / "job.yaml", *options)
            except ChildError as error:
                return without(results, PART.name, error)
            samples.append(time.perf_counter() - began)
    return results.model_copy(update={"first_leaderboard": FirstLeaderboard(trials=trials, seconds=tuple(samples))})


def peer_seconds(results: Results, name: str) -> float | None:
    """What a peer would take: its start-up, and its measured time of one trial more for all trials behind."""
    speed, found = results.speed_of(SMALL), results.first_leaderboard
    side = speed.side(name) if speed is not None else None
    if side is None or found is None:
        return None
    return side.startup + max(found.trials - PEERS[name].at_once, 0) * side.median


def render(results: Results) -> list[str]:
    found = results.first_leaderboard
    if found is None:
        return ["Not measured."]
    mine = statistics.median(found.seconds)
    rows = [["seqjobs submit", seconds(mine), "1.0", f"measured, {len(found.seconds)} times"]]
    for name in COMPARED:
        peer, speed = peer_seconds(results, name), results.speed_of(SMALL)
        side = speed.side(name) if speed is not None else None
        if peer is not None and side is not None:
            how = f"extrapolated from {side.trials} trials: start-up and the time of a trial"
            rows.append([PEERS[name].label, seconds(peer), times(peer / mine), how])
    head = ["side", f"{found.trials} small trials", "x seqjobs", "how"]
    return ["From the start of the process until it ends, the leaderboard written.", "", *table(head, rows)]


PART = Part(name="first-leaderboard", title="Time to a first leaderboard", measure=measure, render=render)
