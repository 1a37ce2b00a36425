"""Probes: what one core is asked. `python -m tests.benchmarks.subject.probes FOLDER PROBE... --trials N`.

Prints JSON: probe -> its figures; a probe that fails is missing, with its traceback on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seqjobs.execution.in_process import InProcess
from tests.benchmarks.results import Figures
from tests.benchmarks.rows import read_workload
from tests.benchmarks.subject.history import history
from tests.benchmarks.subject.one_core import OneCore
from tests.benchmarks.subject.roofline import roofline
from tests.benchmarks.subject.speed import speed

PROBES: Mapping[str, Callable[[OneCore], Figures]] = {"speed": speed, "roofline": roofline, "history": history}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("probes", nargs="+", choices=PROBES)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--quick", action="store_true", help="to see that everything works")
    options = parser.parse_args()
    workload = read_workload(options.folder)
    with InProcess() as executor:
        core = OneCore(
            executor=executor,
            workload=workload,
            folder=options.folder,
            trials=options.trials,
            quick=options.quick,
        )
        print(json.dumps(_found(core, options.probes)), flush=True)


def _found(core: OneCore, names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        try:
            found[name] = PROBES[name](core).model_dump(mode="json")
        except Exception:  # (the other probes go on)
            traceback.print_exc(file=sys.stderr)
    return found


if __name__ == "__main__":
    main()
