"""`python -m tests.benchmarks`: measures seqjobs and its peers, and writes results.json and RESULTS.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.machine import this_machine, versions
from tests.benchmarks.parts import PARTS, Part
from tests.benchmarks.results import Results
from tests.benchmarks.store import Store
from tests.benchmarks.workloads import WORKLOADS

HERE = Path(__file__).parent
REPEATS = 2
MIN_TRIALS = 8


def main() -> int:
    """Returns 1 where something could not be measured."""
    options = _arguments()
    store = Store(folder=options.out)
    if options.render:
        store.render()
        return 0
    fresh = Results(machine=this_machine(), versions=versions(), quick=options.quick)
    results = store.begin(fresh).model_copy(update={"left_out": ()})
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            names=tuple(options.workloads),
            folder=Path(folder),
            repeats=options.repeats,
            quick=options.quick,
            trials=options.trials,
            rows=options.rows,
            all_peers=options.all_peers,
        )
        for part in (PARTS[name] for name in options.only or PARTS):
            results = _measured(part, bench, results)
            # After every part, so that an end before the last one loses nothing.
            store.write(results)
    print(store.report.read_text())
    return 1 if results.left_out else 0


def _measured(part: Part, bench: Bench, results: Results) -> Results:
    print(f"-- {part.title}", file=sys.stderr, flush=True)
    results = part.measure(bench, results)
    today = datetime.now(UTC).date().isoformat()
    return results.model_copy(update={"dates": {**results.dates, part.name: today}})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; all if left out")
    parser.add_argument("--quick", action="store_true", help="a minute's try with tiny sizes and without slow peers")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone; may be given several times")
    parser.add_argument("--repeats", type=int, help=f"processes of each side that is quick, {REPEATS} if left out")
    parser.add_argument("--trials", type=int, help="trials that seqjobs trains, and at most that many a peer")
    parser.add_argument("--rows", type=int, help="training rows of every workload")
    parser.add_argument("--all-peers", action="store_true", help="slow peers with every workload")
    parser.add_argument("--out", type=Path, help="the folder for both files; of --quick one that is new and temporary")
    parser.add_argument("--render", action="store_true", help="only make RESULTS.md from results.json")
    options = parser.parse_args()
    unknown = set(options.workloads) - set(WORKLOADS)
    if unknown:
        parser.error(f"unknown workload {', '.join(sorted(unknown))}: choose from {', '.join(WORKLOADS)}")
    if options.trials is not None and options.trials < MIN_TRIALS:
        parser.error(f"--trials is at least {MIN_TRIALS}: every worker needs some after its first")
    options.workloads = options.workloads or (["small"] if options.quick else list(WORKLOADS))
    if options.repeats is None:
        options.repeats = 1 if options.quick else REPEATS
    if options.out is None:
        options.out = Path(tempfile.mkdtemp(prefix="seqjobs-benchmarks-")) if options.quick else HERE
    return options


if __name__ == "__main__":
    sys.exit(main())
