"""The time of one trial more, on the whole machine: seqjobs and its peers, workload by workload."""

from __future__ import annotations

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError
from tests.benchmarks.markdown import seconds, spread, table, times
from tests.benchmarks.parts._base import Part
from tests.benchmarks.parts._sides import PACKED, alternating, missing, once
from tests.benchmarks.peers import PEERS
from tests.benchmarks.results import Results, Side, Speed
from tests.benchmarks.timing import Timing
from tests.benchmarks.workloads import Workload


def measure(bench: Bench, results: Results) -> Results:
    """One workload after the other; those measured before stay if they are not asked for."""
    found = {speed.workload: speed for speed in results.speed}
    for workload in bench.workloads:
        found[workload.name] = _measure(bench, workload)
    return results.model_copy(update={"speed": tuple(found.values())})


def _measure(bench: Bench, workload: Workload) -> Speed:
    sides: dict[str, Side] = {}
    left_out: list[str] = []
    in_turns = [one for _ in range(bench.repeats) for one in alternating(bench, workload)]
    for one in (*in_turns, *once(bench, workload)):
        try:
            sides[one.name] = _with(sides.get(one.name, one.side()), one.measure())
        except ChildError as error:
            left_out.append(f"{one.label}: {error}")
    left_out.extend(f"{peer.label}: {why}" for peer in PEERS.values() if (why := missing(peer)))
    return Speed(
        workload=workload.name,
        title=workload.title,
        rows=workload.rows,
        validation_rows=workload.validation_rows,
        validation_split=workload.validation_split,
        epochs=workload.epochs,
        batch_size=workload.batch_size,
        sides=tuple(sides.values()),
        left_out=tuple(dict.fromkeys(left_out)),
    )


def _with(side: Side, timing: Timing) -> Side:
    """The side with the samples of one process more."""
    return side.model_copy(
        update={
            "trials": timing.trials,
            "startup_seconds": (*side.startup_seconds, timing.startup_seconds),
            "seconds": (*side.seconds, *timing.seconds),
            "note": timing.note,
        }
    )


def render(results: Results) -> list[str]:
    """A table a workload."""
    if not results.speed:
        return ["Not measured."]
    lines = [
        "The time that one trial more takes on the whole machine. Start-up is left out and shown apart: it lasts until",
        "the first trial has ended. A sample of a peer is the time between the ends of two trials; of seqjobs it is a",
        "whole run, from the end of the first pack of every worker until all trials are committed, divided by the",
        "trials in between. Every process starts anew, and seqjobs and the keras loop take turns.",
    ]
    for speed in results.speed:
        lines += ["", f"### {speed.workload}", "", _sentence(speed), "", *_table(speed)]
        lines += [*([""] if speed.left_out else []), *(f"- Left out: {line}" for line in speed.left_out)]
    return lines


def _sentence(speed: Speed) -> str:
    split = f"{speed.validation_split:.0%} of them held back" if speed.validation_split else ""
    validation = split or f"{speed.validation_rows:,} more to validate on"
    sizes = f"{speed.rows:,} rows, {validation}; {speed.epochs} epochs, batches of {speed.batch_size}"
    return f"{speed.title}. {sizes}."


def _table(speed: Speed) -> list[str]:
    subject = speed.side(PACKED)
    rows = [
        [
            side.label,
            seconds(side.median),
            times(side.median / subject.median) if subject is not None else "-",
            spread(side.seconds),
            f"{len(side.seconds)}, of {len(side.startup_seconds)} x {side.trials:,} trials",
            seconds(side.startup),
            side.how + (f"; {side.note}" if side.note else ""),
        ]
        for side in speed.sides
    ]
    return table(["side", "a trial", "x seqjobs", "spread", "samples", "start-up", "how"], rows)


PART = Part(name="speed", title="Time of a trial", measure=measure, render=render)
