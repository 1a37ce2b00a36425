"""What the probes of one core found, workload by workload; one process answers several parts."""

from __future__ import annotations

import functools
import json
from typing import Any

from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ChildError, measured_by

ALL = ("speed", "roofline", "history")


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
    line = measured_by("tests.benchmarks.subject.probes", bench.data_of(workload), *names, *trials)
    found: dict[str, Any] = json.loads(line)
    return found
