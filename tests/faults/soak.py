"""Runs whose drivers die at random moments, over and over: `python -m tests.faults.soak --minutes 60 --seed 1`.

A failure names the seed of its run: `--seed THAT --runs 1` plays it again, but for the kills from outside, whose moment
is a matter of chance.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqjobs.results.damage import find_damage
from seqjobs.results.record import TrialRecord
from seqjobs.results.repair import repair
from seqjobs.results.run import Run
from seqjobs.store import durable
from tests.faults.drivers import Driver
from tests.fixtures.fake_runner import Behaviour, trainings
from tests.fixtures.files import write_rows, write_spec
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import result

SPEC = """
name: soak
data: {{train: rows.parquet, features: [a, b], target: y}}
model:
  - Dense: {{units: {{choice: {units}}}, activation: relu}}
  - Dense: {{units: 1, activation: sigmoid}}
compile: {{optimizer: {{Adam: {{learning_rate: {{choice: {rates}}}}}}}, loss: binary_crossentropy}}
fit: {{epochs: {epochs}, validation_split: 0.2, pack: {pack}}}
search: {{sampler: grid, repeats: {repeats}}}
keep: {{best: {best}}}
objective: {{metric: val_loss, direction: minimize}}
limits: {{checkpoint: {checkpoint}}}
"""
SPECIAL = (Behaviour.NAN, Behaviour.DATA, Behaviour.FAIL_ONCE, Behaviour.NAN_VALUE, Behaviour.LARGE)


@dataclass
class Soak:
    """One run, from its first submit until it is finished, and what was done to it on the way."""

    seed: int
    folder: Path
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._paths = RunPaths(root=self.folder / "run")
        self._shown: dict[str, TrialRecord] = {}
        self._begun = 0
        self._packed = False

    def go(self) -> Counter[str]:
        """Raises AssertionError where a promise does not hold."""
        self._packed = _write_job(self.folder, self._random)
        golden = self._golden()
        while not self._submit():
            self._look()
            if self._random.random() < 0.1:
                self._damage()
        self._look()
        # As text: a loss that is no number is not equal to itself.
        assert repr(result(self._paths.root)) == repr(golden), "the result is another one than without any fault"
        assert not list(self._paths.root.rglob(f"{durable.ASIDE_PREFIX}*")), "a killed driver left files behind"
        return self.counts

    def _driver(self, root: Path, die_at: int = 0, epoch_seconds: float = 0.0) -> Driver:
        name = root.name
        return Driver(
            spec=self.folder / "job.yaml",
            root=root,
            shown=self.folder / f"shown-{name}",
            notes=self.folder / f"notes-{name}",
            die_at=die_at,
            epoch_seconds=epoch_seconds,
        )

    def _golden(self) -> dict[str, Any]:
        process = self._driver(self.folder / "golden").start()
        process.join()
        assert process.exitcode == 0, f"the undisturbed run left with {process.exitcode}"
        return result(self.folder / "golden")

    def _submit(self) -> bool:
        """One submit, most often killed; returns whether the run is finished."""
        chance = self._random.random()
        if chance < 0.6:
            return self._killed_by_itself(self._random.randrange(1, 120))
        if chance < 0.9:
            return self._killed_from_outside(self._random.uniform(0, 0.4))
        return self._twice_at_once()

    def _killed_by_itself(self, die_at: int) -> bool:
        process = self._driver(self._paths.root, die_at).start()
        process.join()
        return self._ended(process.exitcode)

    def _killed_from_outside(self, after: float) -> bool:
        process = self._driver(self._paths.root, epoch_seconds=0.005).start()
        process.join(after)
        process.kill()
        process.join()
        return self._ended(process.exitcode)

    def _twice_at_once(self) -> bool:
        processes = [self._driver(self._paths.root).start() for _ in range(2)]
        for process in processes:
            process.join()
        codes = sorted(process.exitcode or 0 for process in processes)
        # Both end well where the second one comes when the first is done.
        assert codes in ([0, 2], [0, 0]), f"two submits at once left with {codes}"
        self.counts["double submits"] += 1
        return True

    def _ended(self, code: int | None) -> bool:
        assert code in (0, -signal.SIGKILL), f"a driver left with {code}"
        self.counts["kills"] += code != 0
        return code == 0

    def _look(self) -> None:
        """What was shown as done is done, with the same bits; nothing done was trained again; nothing is damaged."""
        begun = trainings(self.folder / "notes-run")
        again = set(begun[self._begun :]) & set(self._shown)
        # Of a pack that lost a member all train again, since that is how it gets its bits.
        assert not again or (self._packed and self.counts["repairs"]), (
            f"trials that were done are trained again: {again}"
        )
        self._begun = len(begun)
        if not self._paths.plan.exists():
            return
        records = Run.open(self._paths.root).records
        shown = self.folder / "shown-run"
        for trial_id in shown.read_text().split() if shown.exists() else ():
            assert trial_id in records, f"trial {trial_id} was shown as done and is not in the log"
        for trial_id, before in self._shown.items():
            assert _same(records[trial_id], before), f"the record of {trial_id} changed"
        self._shown = dict(records)
        damaged = find_damage(self._paths.store)
        assert not damaged, f"a kill left damage: {damaged}"

    def _damage(self) -> None:
        """Spoils a file, as a disk may, and has it repaired; what that costs is not counted as done any more."""
        if not self._paths.plan.exists():
            return
        files = [*self._paths.log.glob("*.jsonl"), *self._paths.weights.glob("*.npz")]
        if not files:
            return
        path = self._random.choice(sorted(files))
        content = bytearray(path.read_bytes())
        content[self._random.randrange(len(content))] ^= 1 << self._random.randrange(8)
        path.write_bytes(content)
        damaged = find_damage(self._paths.store)
        # Weights that are not among the best any more are read by nobody.
        found = [self._paths.root / damage.path for damage in damaged]
        assert found == [path] or path.suffix == ".npz", f"{path} is spoilt: {damaged}"
        repair(self._paths.store)
        self.counts["repairs"] += len(damaged)
        self._shown = dict(Run.open(self._paths.root).records)
        (self.folder / "shown-run").write_text("".join(f"{trial_id}\n" for trial_id in self._shown))


def _same(record: TrialRecord, other: TrialRecord) -> bool:
    """But for the history, which may be held in another form."""
    histories = dict(record.history), dict(other.history)
    return repr(histories[0]) == repr(histories[1]) and record.weights == other.weights


def _write_job(folder: Path, chance: random.Random) -> bool:
    """Returns whether trials may train together."""
    values = np.random.default_rng(chance.randrange(2**32)).normal(size=(2, 40)).astype(np.float32)
    write_rows(folder / "rows.parquet", {"a": values[0], "b": values[1], "y": (values[0] > 0).astype(np.int8)})
    special = [int(behaviour) for behaviour in SPECIAL if chance.random() < 0.2]
    pack = chance.choice(["auto", "off", "3"])
    write_spec(
        folder,
        SPEC.format(
            units=[*range(1, chance.randrange(2, 6)), *special],
            rates=[number / 1000 for number in range(1, chance.randrange(2, 6))],
            epochs=chance.randrange(1, 4),
            pack=pack,
            repeats=chance.randrange(1, 4),
            best=chance.randrange(0, 5),
            checkpoint=chance.choice([1, 60]),
        ),
    )
    return pack != "off"


def soak(seed: int, *, runs: int | None = None, minutes: float | None = None) -> Counter[str]:
    """So many runs, or as many as begin in that time, under the seeds from `seed` on; returns what was done."""
    counts: Counter[str] = Counter()
    began = time.monotonic()
    while (runs is None or counts["runs"] < runs) and (minutes is None or time.monotonic() - began < minutes * 60):
        this = seed + counts["runs"]
        with tempfile.TemporaryDirectory() as folder:
            try:
                counts += Soak(seed=this, folder=Path(folder)).go()
            except BaseException:
                print(f"seed {this}", file=sys.stderr, flush=True)
                raise
        counts["runs"] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    minutes = 1.0 if options.minutes is None and options.runs is None else options.minutes
    counts = soak(options.seed, runs=options.runs, minutes=minutes)
    print(", ".join(f"{count:,} {what}" for what, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
