"""What the probes of one core found, workload by workload; one process answers several parts."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by
from tests.benchmarks.parts._base import without
from tests.benchmarks.results import HistoryDifference, Results, Roofline

ALL = ("speed", "roofline", "history")

Kind = TypeVar("Kind", Roofline, HistoryDifference)


def measured_of_all(
    bench: Bench, results: Results, before: Sequence[Kind], probe: str, of: Callable[[Any], Kind]
) -> tuple[Results, tuple[Kind, ...]]:
    """What was measured `before`, and anew of the workloads of this bench; the results name those that failed."""
    found = {one.workload: one for one in before}
    for workload in bench.workloads:
        try:
            found[workload.name] = of(probed(bench, workload.name, probe))
        except ChildError as error:
            results = without(results, f"{probe} of {workload.name}", error)
    return results, tuple(found.values())


def probed(bench: Bench, workload: str, probe: str) -> Any:
    """The figures of a probe, as JSON has them. Raises ChildError."""
    found = _found(bench, workload)
    if isinstance(found, ChildError):
        raise found
    if probe not in found:
        raise ChildError("failed")
    return found[probe]


@functools.cache
def _found(bench: Bench, workload: str) -> dict[str, Any] | ChildError:
    try:
        return probes(bench, workload, *ALL)
    except ChildError as error:
        return error


def probes(bench: Bench, workload: str, *names: str) -> dict[str, Any]:
    """Asks in a process of its own. Raises ChildError."""
    trials = ("--trials", bench.workload(workload).trials)
    quick = ("--quick",) if bench.quick else ()
    line = measured_by("tests.benchmarks.subject.probes", bench.data_of(workload), *names, *trials, *quick)
    found: dict[str, Any] = json.loads(line)
    return found
