"""Targets: what seqjobs means to reach, each against something measured in the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.markdown import relative, seconds, times
from tests.benchmarks.parts._sides import PACKED, SINGLY, SMALL
from tests.benchmarks.parts.first_leaderboard import peer_seconds
from tests.benchmarks.peers import KERAS_LOOP, PEERS, RAY_TUNE
from tests.benchmarks.results import Results

SPEEDS = (
    ("a small trial, one at a time", SMALL, SINGLY, KERAS_LOOP, 100),
    ("a small trial, one at a time", SMALL, SINGLY, RAY_TUNE, 300),
    ("a small trial, in packs", SMALL, PACKED, KERAS_LOOP, 1_000),
    ("a small trial, in packs", SMALL, PACKED, RAY_TUNE, 3_000),
    ("a dense trial", "dense", PACKED, KERAS_LOOP, 15),
    ("a dropout trial", "dropout", PACKED, KERAS_LOOP, 20),
    ("a convolution trial", "convolution", PACKED, KERAS_LOOP, 4.5),
)
LEADERBOARD = ((KERAS_LOOP, 5), (RAY_TUNE, 15))
LEADERBOARD_SECONDS = 15
SHARES = (("dense", 0.6), ("convolution", 0.5))
HISTORY = 1e-5
EMPTY_SECONDS = 2e-3
PACKED_SECONDS = 0.5e-3
GROWTH_MB = 50
FSYNC_SECONDS = 5e-3
FSYNC_SHARE = 0.03
READ_TIMES = 1.5
STREAMED_TIMES = 1.3


@dataclass(frozen=True, kw_only=True)
class Target:
    """One row; `met` is None where it was not measured."""

    what: str
    against: str
    reach: str
    measured: str
    met: bool | None


def targets(results: Results) -> list[Target]:
    """All of them, measured or not."""
    return [
        *_speeds(results),
        *_waits(results),
        *_shares(results),
        *_histories(results),
        *_growths(results),
        *_durability(results),
        *_reading(results),
    ]


def _speeds(results: Results) -> Iterator[Target]:
    for what, workload, subject, peer, reach in SPEEDS:
        mine, theirs = results.median(workload, subject), results.median(workload, peer)
        ratio = theirs / mine if mine is not None and theirs is not None else None
        yield _ratio(f"time of {what}", PEERS[peer].label, reach, ratio)


def _waits(results: Results) -> Iterator[Target]:
    searched = results.two_architectures
    yield _at_most(
        f"{searched.trials if searched else 1_000:,} small trials of two architectures, from warm workers",
        LEADERBOARD_SECONDS,
        searched.seconds[0] if searched else None,
        seconds,
    )
    found = results.first_leaderboard
    for peer, reach in LEADERBOARD:
        theirs = peer_seconds(results, peer)
        ratio = theirs / median(found.seconds) if found is not None and theirs is not None else None
        count = found.trials if found is not None else 64
        yield _ratio(f"{count} small trials, from the start of the process", PEERS[peer].label, reach, ratio)


def _shares(results: Results) -> Iterator[Target]:
    measured = {one.workload: one for one in results.roofline}
    for workload, reach in SHARES:
        one = measured.get(workload)
        yield Target(
            what=f"one step, {workload}",
            against="the core's sgemm rate",
            reach=f"at least {reach:.0%}",
            measured=f"{one.share:.0%}" if one else "-",
            met=one.share >= reach if one else None,
        )


def _histories(results: Results) -> Iterator[Target]:
    steady, trials = (sum(getattr(one, name) for one in results.histories) for name in ("steady", "trials"))
    worst = max((one.steady_all_epochs for one in results.histories if one.steady), default=None)
    counted = f" ({steady} of {trials})" if trials else ""
    what = f"losses of steady trials{counted}, relative difference"
    yield _at_most(what, HISTORY, worst, relative, against="stock `fit`")


def _durability(results: Results) -> Iterator[Target]:
    found = results.durability
    small = found["small_with"] - found["small_without"] if found else None
    share = found["second_with"] / found["second_without"] - 1 if found else None
    against = "without fsync"
    yield _at_most(
        "durability: what a trial that takes no time costs more", FSYNC_SECONDS, small, seconds, against=against
    )
    yield _at_most(
        "durability: what a trial of a second costs more", FSYNC_SHARE, share, "{:.1%}".format, against=against
    )


def _reading(results: Results) -> Iterator[Target]:
    found = results.reading
    read = found["read_seconds"] / found["by_hand_seconds"] if found else None
    streamed = found["streamed_epoch_seconds"] / found["in_memory_epoch_seconds"] if found else None
    share = found["streamed_peak_mb"] / found["memory_mb"] if found else None
    yield _at_most("reading rows with operations", READ_TIMES, read, "{:.2f} x".format, against="Arrow and NumPy")
    what = "an epoch over rows larger than data.memory"
    yield _at_most(what, STREAMED_TIMES, streamed, "{:.2f} x".format, against="rows in memory")
    yield _at_most(f"{what}: memory", 1.0, share, "{:.0%}".format, against="data.memory")


def _growths(results: Results) -> Iterator[Target]:
    empty = results.empty_trials
    cpu, growth = empty.get("cpu_seconds_per_trial"), empty.get("rss_growth_mb")
    count = f"{empty.get('trials', 10_000):,.0f} trials that train nothing"
    yield _at_most(f"{count}: driver's time a trial", EMPTY_SECONDS, cpu, seconds)
    packed = empty.get("packed_cpu_seconds_per_trial")
    yield _at_most(f"{count}, in packs: driver's time a trial", PACKED_SECONDS, packed, seconds)
    yield _at_most(f"{count}: growth of its memory at the end", GROWTH_MB, growth, _megabytes)
    memory = results.memory
    what = f"{memory.trials if memory else 1_000:,} small trials in one worker: growth of its memory"
    yield _at_most(what, GROWTH_MB, memory.growth_mb if memory else None, _megabytes)


def _ratio(what: str, against: str, reach: float, ratio: float | None) -> Target:
    return Target(
        what=what,
        against=against,
        reach=f"1/{reach:,}",
        measured=f"1/{times(ratio, unlike=reach)}" if ratio is not None else "-",
        met=ratio >= reach if ratio is not None else None,
    )


def _at_most(
    what: str, limit: float, value: float | None, show: Callable[[float], str], *, against: str = "-"
) -> Target:
    return Target(
        what=what,
        against=against,
        reach=f"at most {show(limit)}",
        measured=show(value) if value is not None else "-",
        met=value <= limit if value is not None else None,
    )


def _megabytes(value: float) -> str:
    return f"{value:.0f} MB"
