"""What reading costs."""

from __future__ import annotations

import json

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.markdown import seconds, table
from tests.benchmarks.parts._base import Part, without
from tests.benchmarks.results import Results


def measure(bench: Bench, results: Results) -> Results:
    """Operations on columns against NumPy, rows in a file against rows in memory."""
    try:
        line = measured_by("tests.benchmarks.reading", *(("--memory", 2, "--times", 1.5) if bench.quick else ()))
    except ChildError as error:
        return without(results, PART.name, error)
    return results.model_copy(update={"reading": json.loads(line)})


def render(results: Results) -> list[str]:
    found = results.reading
    if not found:
        return ["Not measured."]
    in_memory, streamed = (f"{found[f'{kind}_peak_mb']:,.0f} MB" for kind in ("in_memory", "streamed"))
    rows = [
        ["rows with operations read", seconds(found["read_seconds"]), "-"],
        ["the same by hand", seconds(found["by_hand_seconds"]), "-"],
        ["an epoch, rows in memory", seconds(found["in_memory_epoch_seconds"]), in_memory],
        ["an epoch, rows in a file", seconds(found["streamed_epoch_seconds"]), streamed],
    ]
    return [
        "261,939 flights with 5 columns and 9 operations on them, from Parquet to the array that is trained on,",
        "against `pyarrow.dataset(...).to_table()` and NumPy written by hand for the same numbers. Then a dense model",
        f"over {found['rows_mb']:,.0f} MB of rows, `data.memory` being {found['memory_mb']:,.0f} MB, and being more;",
        "the memory is what the process held at its peak beyond a fit over a few rows.",
        "",
        *table(["what", "time", "memory"], rows),
    ]


PART = Part(name="reading", title="What reading costs", measure=measure, render=render)
