"""Where packing pays: the time of a trial by how many train together."""

from __future__ import annotations

import json

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.markdown import seconds, table
from tests.benchmarks.parts._base import Part, without
from tests.benchmarks.results import PackSizes, Results

PICTURE = "pack_sizes.svg"


def measure(bench: Bench, results: Results) -> Results:
    """Five models on one core; of a quick measurement one, in small packs."""
    few = ("--models", 1, "--most", 4) if bench.quick else ()
    try:
        found = json.loads(measured_by("tests.benchmarks.subject.pack_sizes", *few))
    except ChildError as error:
        return without(results, PART.name, error)
    return results.model_copy(update={"pack_sizes": tuple(map(PackSizes.model_validate, found))})


def render(results: Results) -> list[str]:
    """A picture, and its numbers."""
    if not results.pack_sizes:
        return ["Not measured."]
    places = max((one.places for one in results.pack_sizes), key=len)
    rows = [
        [
            one.model,
            f"{one.parameters:,}",
            str(one.batch_size),
            *(seconds(value) for value in one.step_seconds),
            *["-"] * (len(places) - len(one.places)),
        ]
        for one in results.pack_sizes
    ]
    head = ["model", "parameters", "batch", *("alone" if size == 1 else f"{size} places" for size in places)]
    return [
        f"![Time of a trial and step by places of a pack]({PICTURE})",
        "",
        "The time of one trial and step on one core, by how many trials train in one program; Adam, no validation.",
        "Where a line does not fall any more, packing has stopped to pay. The rule that chooses the places stands in",
        "`seqjobs/planning/pack_rule.py`.",
        "",
        *table(head, rows),
    ]


PART = Part(name="pack-sizes", title="How many trials to a pack", measure=measure, render=render)
