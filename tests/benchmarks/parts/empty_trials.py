"""What a trial costs outside training."""

from __future__ import annotations

import json

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.markdown import seconds, table
from tests.benchmarks.parts._base import Part, without
from tests.benchmarks.results import Results


def measure(bench: Bench, results: Results) -> Results:
    """Trials that train nothing, through Ray and a run folder."""
    try:
        line = measured_by("tests.benchmarks.empty_trials", 50 if bench.quick else 10_000)
    except ChildError as error:
        return without(results, PART.name, error)
    return results.model_copy(update={"empty_trials": json.loads(line)})


def render(results: Results) -> list[str]:
    found = results.empty_trials
    if not found:
        return ["Not measured."]
    rows = [
        ["driver's CPU time a trial", seconds(found["cpu_seconds_per_trial"])],
        ["time a trial", seconds(found["wall_seconds_per_trial"])],
        ["driver's CPU time a trial, in packs of 64", seconds(found["packed_cpu_seconds_per_trial"])],
        ["growth of the driver's memory", f"{found['rss_growth_mb']:+.1f} MB"],
        ["at its peak", f"{found['peak_rss_growth_mb']:+.1f} MB"],
    ]
    return [
        f"{found['trials']:,.0f} trials that train and print nothing, on 2 warm Ray workers, from the spec's text to",
        "the last file of the run folder.",
        "",
        *table(["what", "measured"], rows),
    ]


PART = Part(name="empty-trials", title="Trials that train nothing", measure=measure, render=render)
