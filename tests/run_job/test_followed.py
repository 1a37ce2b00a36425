"""A run that is followed while it is written: every record once, in order, and never half a segment."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from seqjobs.errors import NotFoundError, StorageError
from seqjobs.execution.events import Event
from seqjobs.execution.in_process import InProcess
from seqjobs.planning.plan import Plan
from seqjobs.results.progress import Standing
from seqjobs.results.repair import repair
from seqjobs.results.run import Run, RunStatus
from seqjobs.results.run_log import Record, read_log
from seqjobs.results.run_reader import RunReader
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from seqjobs.store.run_store import RunStore
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.memory_store import MemoryStore
from tests.fixtures.runs import Watcher, stop_after


class Reading:
    """A store that counts which names are read."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self.names: list[str] = []

    def get(self, name: str, *, start: int = 0, size: int | None = None, at_most: int | None = None) -> bytes:
        self.names.append(name)
        return self._store.get(name, start=start, size=size, at_most=at_most)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def submit(plan: Plan, store: RunStore, watcher: Watcher | None = None) -> Run:
    return run_job(plan.table, InProcess(start=StartFake()), store, watcher or Watcher())


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RunStore:
    return MemoryStore("run") if request.param == "memory" else LocalStore(tmp_path / "run")


def test_a_reader_beside_the_writer_sees_every_record_once_and_in_order(six: Plan, store: RunStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        submit(six, store, stop_after(1))
    reader, found, done = RunReader(store), list[Record](), threading.Event()

    def follow() -> None:
        is_last = False
        while not is_last:
            is_last = done.is_set()
            found.extend(reader.read_new())

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        submit(six, store)
    finally:
        done.set()
        thread.join()
    assert found == read_log(store)[0]
    assert reader.refresh().records == Run.open(store).records


def test_what_was_read_is_what_is_there_at_each_event(six: Plan, store: RunStore) -> None:
    readers: list[RunReader] = []
    looks = random.Random(1)

    def look(_event: Event, standing: Standing) -> None:
        if not readers:
            readers.append(RunReader(store))
        if looks.random() < 0.7:
            run = readers[0].refresh()
            assert run.records == Run.open(store).records
            assert set(run.records) == set(standing.records)
            assert run.status is RunStatus.RUNNING

    submit(six, store, Watcher(look))
    run, same = readers[0].refresh(), Run.open(store)
    assert (run.status, run.models, run.seconds) == (RunStatus.FINISHED, same.models, same.seconds)
    assert run.leaderboards == same.leaderboards


def test_a_run_that_was_read_is_not_changed_by_what_comes_after(six: Plan, store: RunStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        submit(six, store, stop_after(2))
    reader = RunReader(store)
    before = reader.refresh()
    submit(six, store)
    assert (before.num_finished, before.status) == (2, RunStatus.INTERRUPTED)
    assert reader.refresh().num_finished == 6
    assert before.num_finished == 2


def test_only_new_segments_are_read(six: Plan, tmp_path: Path) -> None:
    counting = Reading(LocalStore(tmp_path / "run"))
    reader = RunReader(counting)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        reader.refresh()
    submit(six, LocalStore(tmp_path / "run"))
    reader.refresh()
    counting.names.clear()
    assert reader.refresh().num_finished == 6
    assert reader.read_new() == []
    assert counting.names == []


def test_a_repair_is_followed(six: Plan, tmp_path: Path) -> None:
    store, root = LocalStore(tmp_path / "run"), tmp_path / "run"
    submit(six, store)
    reader = RunReader(store)
    assert reader.refresh().num_finished == 6
    ended = next(path for path in sorted((root / "log").iterdir()) if b'-ended"' in path.read_bytes())
    ended.write_bytes(b"damaged")
    with pytest.raises(StorageError, match="E609"):
        Run.open(store)
    repair(store)
    assert reader.refresh().records == Run.open(store).records
    assert reader.refresh().num_finished < 6
    submit(six, store)
    assert reader.refresh().num_finished == 6
