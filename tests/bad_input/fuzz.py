"""`python -m tests.bad_input.fuzz --seed S --mutations N`: no text does more than be accepted or refused.

Each mutation is written to a file and read through the public door. It gives a job whose values are all plain data of
the tables, or a SpecError whose lines have a code, a place and a fix; it opens no file but its own, starts no process,
reaches no host, writes nothing and imports no big library. What does not hold is printed with the text.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from seqjobs.errors import SpecError
from seqjobs.planning.plan import make_plan
from seqjobs.spec.job_spec import JobSpec
from seqjobs.spec.load import load_job
from seqjobs.spec.sections import TrialSpec
from seqjobs.tables import TABLES, Named
from tests.bad_input.mutate import mutated
from tests.bad_input.watch import Watch
from tests.spec.mutations import JOBS, TEXTS
from tests.spec.test_load_job import LINE

MEMORY_BYTES = 2 << 30
MAX_TRIALS = 50


def main() -> int:
    """The number of findings, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutations", type=int, default=100_000)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with tempfile.TemporaryDirectory() as folder:
        return int(not Fuzz(Path(folder)).run(arguments.seed, arguments.mutations))


class Fuzz:
    """Reads mutations, and counts what becomes of them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "job.yaml"
        (folder / "data").symlink_to(JOBS / "data")
        self._codes: Counter[str] = Counter()
        self._watch = Watch()

    def run(self, seed: int, count: int) -> bool:
        """Whether nothing was found."""
        for text in TEXTS:  # what is imported when it is first used is imported now
            self._read(text)
        begin = time.monotonic()
        for number in range(count):
            text = mutated(random.Random(f"{seed} {number}"))
            if found := self._finding(text):
                print(f"{found}\n--- mutation {number} of seed {seed}:\n{text}", file=sys.stderr)
                return False
        seconds = time.monotonic() - begin
        refused = ", ".join(f"{code} {times:,}" for code, times in sorted(self._codes.items()))
        print(f"{count:,} mutations, {count / seconds:,.0f} a second: {refused}")
        return True

    def _finding(self, text: str) -> str | None:
        try:
            self._read(text)
        except Exception:
            return traceback.format_exc()
        return "\n".join(self._watch.seen) or None

    def _read(self, text: str) -> None:
        self._path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        with self._watch.looking(self._path):
            codes = list(self._codes_of())
        self._codes.update(codes)

    def _codes_of(self) -> Sequence[str]:
        try:
            job = load_job(self._path)
            trials = make_plan([job]).trials if _is_small(job) else ()
        except SpecError as error:
            for line in error.lines:
                assert line.isprintable()
                assert LINE.fullmatch(line), line
            return error.codes
        for trial in trials:
            check_plain(trial.spec)
        return ["accepted"]


def _is_small(job: JobSpec) -> bool:
    return job.search.sampler == "random" and (job.search.trials or 10) * job.search.repeats <= MAX_TRIALS


def check_plain(trial: TrialSpec) -> None:
    """Asserts that what a builder is given names nothing but entries of the tables."""
    compiled = trial.compile
    for value in (*trial.model, compiled.optimizer, compiled.loss, *compiled.metrics, *trial.fit.callbacks):
        _check_value(value)


def _check_value(value: object) -> None:
    if isinstance(value, Named):
        table = TABLES[value.table]
        assert value.name in table.entries or value.name in table.aliases
        value = tuple(value.arguments.values())
    if isinstance(value, tuple):
        for part in value:
            _check_value(part)
    elif isinstance(value, str):
        assert len(value) <= 100
        assert not set("/\\:") & set(value), value
    else:
        assert value is None or isinstance(value, bool | int | float), value


if __name__ == "__main__":
    sys.exit(main())
