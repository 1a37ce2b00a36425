"""A run in a store that is no folder: nothing but the verbs of `RunStore` is needed for all that a run does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from seqjobs.errors import RunFolderError
from seqjobs.execution.in_process import InProcess
from seqjobs.planning.plan import Plan
from seqjobs.results.damage import Kind, find_damage
from seqjobs.results.finished import kept_weights
from seqjobs.results.repair import repair
from seqjobs.results.run import Run, RunStatus
from seqjobs.results.weights import WeightsStore
from seqjobs.run import run_job
from seqjobs.store.run_store import RunStore
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.memory_store import MemoryStore
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import Watcher, do, stop_after


def submit(plan: Plan, store: RunStore, watcher: Watcher | None = None) -> Run:
    return run_job(plan.table, InProcess(start=StartFake()), store, watcher or Watcher())


def contents(store: MemoryStore) -> dict[str, Any]:
    """Everything that does not depend on time."""
    names = (*store.list(), *(f"{folder}/{name}" for folder in ("weights", "best") for name in listed(store, folder)))
    return {name: store.get(name) for name in names if name.endswith((".keras", ".npz", "histories.parquet"))}


def listed(store: MemoryStore, folder: str) -> tuple[str, ...]:
    return store.list(folder) if folder in store.list() else ()


def test_a_run_is_stopped_resumed_damaged_and_repaired_without_a_file(six: Plan, tmp_path: Path) -> None:
    do(six, tmp_path / "run")
    paths = RunPaths(root=tmp_path / "run")
    files = [paths.histories, paths.best, *paths.weights.iterdir()]
    golden = {str(path.relative_to(paths.root)): path.read_bytes() for path in files}
    store = MemoryStore("run")
    with pytest.raises(KeyboardInterrupt):
        submit(six, store, stop_after(2))
    assert Run.open(store).status is RunStatus.INTERRUPTED
    assert len(Run.open(store).records) == 2
    with store.hold(), pytest.raises(RunFolderError, match="E602"):
        submit(six, store)
    run = submit(six, store)
    assert run.status is RunStatus.FINISHED
    assert contents(store) == golden
    assert find_damage(store) == ()
    assert run.best is not None
    digest = kept_weights(run, run.trial(run.best.trial))
    assert WeightsStore(store).load(digest)
    store.put(f"weights/{digest}.npz", b"damaged")
    assert [damage.kind for damage in repair(store)] == [Kind.WEIGHTS]
    assert store.list("damaged") == (f"{digest}.npz",)
    submit(six, store)
    assert contents(store) == golden
    assert find_damage(store) == ()
    assert pq.read_table(paths.trials).num_rows == run.trial_table().num_rows == 6
