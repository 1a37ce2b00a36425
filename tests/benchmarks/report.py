"""The report: RESULTS.md, made of the results and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.markdown import table
from tests.benchmarks.parts import PARTS
from tests.benchmarks.results import Results
from tests.benchmarks.targets import targets

_MET = {True: "yes", False: "**no**", None: "not measured"}


def rendered(results: Results) -> str:
    """The whole text."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Results) -> Iterator[str]:
    yield "# What was measured"
    yield ""
    yield "Made by `python -m tests.benchmarks` out of results.json; not written by hand."
    if results.quick:
        yield ""
        yield "**Measured with `--quick`: this shows that the program works, its figures mean nothing.**"
    yield ""
    yield from _circumstances(results)
    yield ""
    yield "## What is to be reached"
    yield ""
    rows = [[one.what, one.against, one.reach, one.measured, _MET[one.met]] for one in targets(results)]
    yield from table(["what", "against", "reach", "measured", "met"], rows)
    for part in PARTS.values():
        yield ""
        yield f"## {part.title}"
        yield ""
        yield from part.render(results)
    if results.left_out:
        yield ""
        yield "## Left out"
        yield ""
        yield from (f"- {line}" for line in results.left_out)


def _circumstances(results: Results) -> Iterator[str]:
    machine = results.machine
    dates = sorted(set(results.dates.values()))
    when = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "not yet"
    yield f"- Machine: {machine.cpu}, {machine.cores} cores, {machine.memory_gib:g} GiB, no GPU used"
    yield f"- Measured: {when}"
    yield "- Versions: " + ", ".join(f"{name} {number}" for name, number in results.versions.items())
    yield "- Times are medians; a shared machine makes them vary: `spread` is the least and the greatest."
