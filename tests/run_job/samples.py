"""What the tests of run_job share: executors and progress that take notes, and what a run must come to."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seqjobs.execution.events import AttemptEnded, Event
from seqjobs.execution.executor import DatasetFacts, Saved, nothing_saved
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.retry import Tries
from seqjobs.execution.stopping import StopRequest
from seqjobs.planning.plan import DataSource, Plan, make_plan
from seqjobs.planning.run_paths import RunPaths
from seqjobs.planning.trial import Pack
from seqjobs.results.progress import Standing
from seqjobs.results.run import Run
from seqjobs.run import run_job
from seqjobs.spec.load import load_job
from seqjobs.training.outcome import Stopping, never
from tests.conftest import POINTS_SPEC
from tests.fake_runner import StartFake

SIX = ("model.0.Dense.units={choice: [1, 2, 3]}", "search.sampler=grid", "search.repeats=2", "keep.best=2")


class Watcher:
    """A Progress that remembers, and calls back at every event."""

    def __init__(self, on_event: Callable[[Event, Standing], None] = lambda _event, _standing: None) -> None:
        self.calls: list[str] = []
        self.resumed = -1
        self._on_event = on_event

    def stage(self, text: str) -> None:
        self.calls.append(text)

    def warning(self, text: str) -> None:
        self.calls.append(f"warning: {text}")

    def planned(self, run_id: str, plan: Plan, standing: Standing) -> None:  # noqa: ARG002
        self.calls.append("planned")
        self.resumed = standing.resumed

    def event(self, event: Event, standing: Standing) -> None:
        self._on_event(event, standing)

    def close(self) -> None:
        self.calls.append("close")


class Recorded:
    """An executor that notes what is asked of it; `fail` is raised where an event of that kind would come."""

    def __init__(self, start: StartFake | None = None, fail: tuple[type, BaseException] | None = None) -> None:
        self._inner = InProcess(start=start or StartFake())
        self._fail = fail
        self.calls: list[str] = []
        self.tries: dict[str, Tries] = {}

    def __enter__(self) -> Self:
        self.calls.append("enter")
        self._inner.__enter__()
        return self

    def __exit__(self, *arguments: Any) -> None:
        self.calls.append("exit")
        self._inner.__exit__(*arguments)

    def load(self, sources: Sequence[DataSource]) -> Mapping[str, DatasetFacts]:
        self.calls.append("load")
        return self._inner.load(sources)

    def check(self, trials: Sequence[Any]) -> Mapping[str, Any]:
        self.calls.append(f"check {len(trials)}")
        return self._inner.check(trials)

    def run(
        self,
        packs: Sequence[Pack],
        tries: Mapping[str, Tries],
        saved: Saved = nothing_saved,
        stopping: Stopping = never,
    ) -> Generator[Event, None, None]:
        self.calls.append(f"run {len(packs)}")
        self.tries = dict(tries)
        for event in self._inner.run(packs, tries, saved, stopping):
            if self._fail is not None and isinstance(event, self._fail[0]):
                raise self._fail[1]
            yield event

    def export(self, trial: Any, feature_shape: tuple[int, ...], weights: Any) -> bytes:
        self.calls.append(f"export {trial.id}")
        return self._inner.export(trial, feature_shape, weights)


def do(
    plan: Plan,
    root: Path,
    *,
    start: StartFake | None = None,
    watcher: Watcher | None = None,
    stop: StopRequest | None = None,
) -> Run:
    return run_job(plan, InProcess(start=start or StartFake()), RunPaths(root=root), watcher or Watcher(), stop)


def result(root: Path) -> dict[str, Any]:
    """All of a finished run that must not depend on what happened on the way: files by name."""
    paths = RunPaths(root=root)
    board = [line.split(",") for line in paths.leaderboard.read_text().splitlines()]
    seconds = board[0].index("seconds")
    trials = pq.read_table(paths.trials).drop_columns(["seconds", "attempt"])
    files = [paths.histories, *sorted(paths.weights.iterdir()), *sorted(root.rglob("*.keras"))]
    found: dict[str, Any] = {str(file.relative_to(root)): file.read_bytes() for file in files}
    return {
        **found,
        "leaderboard": [row[:seconds] + row[seconds + 1 :] for row in board],
        "trials": trials.to_pylist(),
        "logs": sorted(path.name for path in paths.trial_logs.iterdir()),
    }


def committed(root: Path) -> set[str]:
    return set(Run.open(root).records) if (root / "run.json").exists() else set()


def stop_after(count: int, kind: type = AttemptEnded, error: BaseException | None = None) -> Watcher:
    """Interrupts as Ctrl-C would, at the event of that kind and number."""
    seen = 0

    def look(event: Event, _standing: Standing) -> None:
        nonlocal seen
        seen += isinstance(event, kind)
        if seen == count and isinstance(event, kind):
            raise error or KeyboardInterrupt

    return Watcher(look)


def moved_points(points: Path, folder: Path) -> Path:
    """The points in a folder of the test's own."""
    for name in ("train.parquet", "test.parquet"):
        (folder / name).write_bytes((points / name).read_bytes())
    (folder / "job.yaml").write_text(POINTS_SPEC)
    return folder / "job.yaml"


def write_points(folder: Path) -> None:
    """Data for POINTS_SPEC, where there is no fixture for it."""
    random = np.random.default_rng(1)
    for name in ("train", "test"):
        columns = {f"x{index}": random.normal(size=50).astype(np.float32) for index in range(6)}
        pq.write_table(pa.table({**columns, "yes": (columns["x0"] > 0).astype(np.int8)}), folder / f"{name}.parquet")


def plan_of(spec: Path, *overrides: str) -> Plan:
    return make_plan([load_job(spec, overrides)])
