"""Runs whose processes are killed at random moments and restarted at once.

`python -m tests.faults.kill_soak --minutes 30 --seed 1` trains 300 short trials and 40 long ones with TensorFlow, on
local Rays of two workers, and kills the submit, its workers, the raylet and the head. All trials must finish, and the
results must be those of an undisturbed run, bit for bit. With `--fake` nothing is trained. When the time is over,
nothing more is killed, and the last run comes to its end.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from seqjobs.results.damage import find_damage
from seqjobs.results.run import Run
from seqjobs.results.run_log import Record, last_segment, read_log
from seqjobs.store.local_store import LocalStore
from tests.conftest import ROOT
from tests.fixtures.fake_runner import Behaviour
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import result

SPEC = """
name: {name}
data: {{train: rows.parquet, features: [a, b, c, d], target: y}}
model:
  - Dense: {{units: {units}, activation: relu}}
  - Dropout: {{rate: 0.1}}
  - Dense: {{units: 1, activation: sigmoid}}
compile: {{optimizer: {{Adam: {{learning_rate: {{choice: {rates}}}}}}}, loss: binary_crossentropy}}
fit: {{epochs: {epochs}, batch_size: 8, validation_split: 0.2, pack: {pack}}}
search: {{sampler: grid, repeats: {repeats}}}
keep: {{best: 3}}
objective: {{metric: val_loss, direction: minimize}}
limits: {{checkpoint: 1s}}
"""
# Of ten kills; a raylet or a head takes all workers with it, and ends the submit with 4.
KINDS = ("driver",) * 4 + ("worker",) * 3 + ("raylet", "head", "everything")
CLUSTER_LOST = 4
# The share of submits that are first killed once they train. The others may be killed as they start.
TRAINING = 0.75
PROCESSES = {"raylet": "raylet", "head": "gcs_server"}


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is trained, and how long a submit lives: at most `life` seconds until the next kill."""

    short: int = 300
    long: int = 40
    long_epochs: int = 600
    rows: int = 1000
    life: float = 25.0
    fake: bool = False


SAMPLE = Size(short=20, long=2, long_epochs=30, rows=50, life=3.0, fake=True)


@dataclass
class KillSoak:
    """Runs of one plan in a folder, and what was done to them."""

    folder: Path
    seed: int
    size: Size = field(default_factory=Size)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def go(self, *, minutes: float | None = None, kills: int | None = None) -> Counter[str]:
        """Kill for so many minutes, or so often, in one run after the other. Raises AssertionError."""
        self._write()
        golden = self._undisturbed()
        end = time.monotonic() + 60 * (minutes or 0)

        def goes_on() -> bool:
            killed = sum(count for name, count in self.counts.items() if name.startswith("kills: "))
            return time.monotonic() < end if kills is None else killed < kills

        while goes_on():
            self.counts["runs"] += 1
            root = self.folder / "runs" / f"run{self.counts['runs']}"
            self._disturb(root, goes_on)
            assert comparable(root) == golden, "the result is another one than without any kill"
        return self.counts

    def _write(self) -> None:
        values = np.random.default_rng(1).normal(size=(4, self.size.rows)).astype(np.float32)
        columns = dict(zip("abcd", values, strict=True))
        pq.write_table(pa.table({**columns, "y": (values[0] > 0).astype(np.int8)}), self.folder / "rows.parquet")
        rates = [number / 1000 for number in range(1, 11)]
        short = SPEC.format(
            name="short", units="{choice: [4, 8]}", rates=rates, epochs=5, pack="auto", repeats=self.size.short // 20
        )
        units = Behaviour.SLOW.value if self.size.fake else 16
        long = SPEC.format(
            name="long",
            units=units,
            rates=rates[:2],
            epochs=self.size.long_epochs,
            pack="off",
            repeats=self.size.long // 2,
        )
        (self.folder / "short.yaml").write_text(short)
        (self.folder / "long.yaml").write_text(long)

    def _start(self, root: Path) -> subprocess.Popen[bytes]:
        module = "tests.cli.submitted" if self.size.fake else "seqjobs.cli.main"
        command = [sys.executable, "-m", module, "submit", "long.yaml", "short.yaml", "--run", root.name]
        variables = {"SEQJOBS_TEST_RAY": "1", "SEQJOBS_TEST_NOTES": str(self.folder / "notes")}
        with (self.folder / "errors").open("wb") as errors:
            return subprocess.Popen(
                [*command, "--runs-dir", "runs", "--workers", "2", "-o", "json"],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def _undisturbed(self) -> dict[str, Any]:
        root = self.folder / "runs" / "golden"
        began = time.monotonic()
        code = self._start(root).wait()
        assert code == 0, self._errors()
        print(f"the undisturbed run took {time.monotonic() - began:.0f} s", flush=True)
        return comparable(root)

    def _disturb(self, root: Path, goes_on: Any) -> None:
        """A run from its first submit to its end."""
        began, done = time.monotonic(), dict[str, str]()
        while True:
            process = self._start(root)
            self.counts["submits"] += 1
            if self._random.random() < TRAINING:
                wait_for_training(process, root)
            while process.poll() is None and goes_on():
                self._kill(process)
            code = process.wait()
            assert code in (0, CLUSTER_LOST, -signal.SIGKILL), f"a submit left with {code}: {self._errors()}"
            done = look(root, done)
            if code == 0:
                break
        run = Run.open(root)
        assert (run.num_finished, run.num_failed) == (self.size.short + self.size.long, 0)
        self._count(root)
        print(f"{root.name}: all {run.num_total} trials finished in {time.monotonic() - began:.0f} s", flush=True)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a while, and kill one of the processes; all of them if the kind is everything."""
        deadline = time.monotonic() + self._random.uniform(0, self.size.life)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        kind = self._random.choice(KINDS)
        victims = victims_of(process.pid, kind)
        if process.poll() is None and victims:
            for victim in self._random.sample(victims, len(victims) if kind == "everything" else 1):
                kill(victim)
            self.counts[f"kills: {kind}"] += 1
        if kind not in ("worker", "driver", "everything") and victims:
            # A submit without its cluster is about to end.
            process.wait()

    def _count(self, root: Path) -> None:
        records = read_log(LocalStore(root))[0]
        starts = Counter(record["pack"] for record in records if record["type"] == "attempt-started")
        self.counts["trials"] += len(Run.open(root).records)
        self.counts["packs"] += len(starts)
        self.counts["attempts"] += starts.total()
        self.counts["attempts: most of a pack"] = max(self.counts["attempts: most of a pack"], *starts.values())
        self.counts["attempts: alone"] += check_alone(records)
        for record in records:
            if record["type"] == "attempt-lost":
                self.counts[f"attempts: lost, {record['cause']}"] += 1
                self.counts["packs: split"] += record["split"]

    def _errors(self) -> str:
        return (self.folder / "errors").read_text(errors="replace")


def comparable(root: Path) -> dict[str, Any]:
    """Return what must be equal; of models that Keras wrote the name alone, since they hold the time."""
    return {name: name if name.endswith(".keras") else found for name, found in result(root).items()}


def look(root: Path, before: Mapping[str, str]) -> dict[str, str]:
    """Return the trials that ended, with their histories; those that had ended before are unchanged."""
    paths = RunPaths(root=root)
    if not paths.plan.exists():
        assert not before
        return {}
    assert find_damage(paths.store) == (), "a kill left damage"
    done = {name: repr(dict(record.history)) for name, record in Run.open(root).records.items()}
    assert {name: done.get(name) for name in before} == before, "a trial that had ended changed"
    return done


def check_alone(records: Sequence[Record]) -> int:
    """Return how many attempts were made alone. Nothing else was under way at their starts."""
    under_way: set[str] = set()
    alone = 0
    for record in records:
        if record["type"] == "submit-started":
            under_way.clear()
        elif record["type"] == "attempt-started":
            assert not (record["alone"] and under_way), f"{record['pack']} is not alone: {under_way}"
            under_way.add(record["pack"])
            alone += record["alone"]
        elif record["type"] in ("attempt-ended", "attempt-lost", "pack-ended"):
            under_way.discard(record["pack"])
    return alone


def victims_of(pid: int, kind: str) -> list[psutil.Process]:
    """Return the processes of a submit that a kill of this kind may hit; none if there is none yet."""
    try:
        driver = psutil.Process(pid)
        children = driver.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    if kind == "everything":
        return [driver, *children]
    if kind == "driver":
        return [driver]
    if kind == "worker":
        return [child for child in children if name_of(child).startswith("ray::")]
    return [child for child in children if name_of(child) == PROCESSES[kind]]


def wait_for_training(process: subprocess.Popen[bytes], root: Path) -> None:
    """Return once the submit has given packs to workers, or has ended."""
    store = LocalStore(root)
    before = last_segment(store)
    # The first segment of a submit says that it has begun.
    while last_segment(store) < before + 2 and process.poll() is None:
        time.sleep(0.1)


def name_of(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fake", action="store_true", help="a small run, in which nothing is trained")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        soak = KillSoak(Path(folder), options.seed, SAMPLE if options.fake else Size())
        try:
            counts = soak.go(minutes=options.minutes)
        except BaseException:
            print(f"seed {options.seed}: {dict(soak.counts)}", file=sys.stderr, flush=True)
            raise
    for name, count in sorted(counts.items()):
        print(f"{name}: {count:,}")
    print(f"time: {(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
