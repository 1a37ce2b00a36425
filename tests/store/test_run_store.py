"""What every store promises: the same tests over each kind of store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seqjobs.errors import NotFoundError, RunFolderError
from seqjobs.store.durable import ASIDE_PREFIX
from seqjobs.store.local_store import LocalStore
from seqjobs.store.run_store import RunStore, digest_of, has_content, is_link, is_there
from tests.fixtures.memory_store import MemoryStore

Leave = Callable[[str], None]
"""Leaves in a folder what a killed writer leaves."""


@pytest.fixture(params=["local", "memory"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[RunStore, Leave]:
    if request.param == "memory":
        memory = MemoryStore("one")
        memory.make_folders("log")
        return memory, memory.leave
    local = LocalStore(tmp_path / "one")
    with local.hold():
        local.make_folders("log")
    return local, lambda folder: (tmp_path / "one" / folder / f"{ASIDE_PREFIX}1-0000000a").touch()


@pytest.fixture
def store(made: tuple[RunStore, Leave]) -> RunStore:
    return made[0]


def test_a_name_is_created_once_and_the_same_content_is_no_conflict(store: RunStore) -> None:
    store.create("log/1", b"first")
    store.create("log/1", b"first")
    for other in (b"second", b"first and more", b""):
        with pytest.raises(FileExistsError):
            store.create("log/1", other)
    assert store.get("log/1") == b"first"
    assert store.list("log") == ("1",)


def test_of_many_who_create_a_name_at_once_one_succeeds(store: RunStore) -> None:
    everybody = threading.Barrier(8)

    def create(number: int) -> int | None:
        everybody.wait()
        try:
            store.create("log/1", f"writer {number}".encode())
        except FileExistsError:
            return None
        return number

    for _ in range(5):
        with ThreadPoolExecutor(8) as threads:
            (winner,) = (number for number in threads.map(create, range(8)) if number is not None)
        assert store.get("log/1") == f"writer {winner}".encode()
        store.delete(["log/1"])


def test_a_reader_sees_the_old_content_or_the_new(store: RunStore) -> None:
    contents = {bytes([number]) * 100_000 for number in range(2)}
    store.put("best.keras", min(contents))
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            store.put("best.keras", bytes([number % 2]) * 100_000, lasting=False)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert store.get("best.keras") in contents
    writer.join()


def test_contents_come_back_whole_and_in_parts(store: RunStore) -> None:
    store.put("a", b"0123456789")
    assert store.get("a", at_most=10) == b"0123456789"
    assert (store.get("a", start=3, size=4), store.get("a", start=8), store.get("a", start=10)) == (b"3456", b"89", b"")
    with pytest.raises(OSError, match=r"large|more than"):
        store.get("a", at_most=9)
    assert digest_of(store, "a") == "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
    assert (has_content(store, "a", b"0123456789"), has_content(store, "a", b"012345678")) == (True, False)


def test_what_is_not_there_is_not_found(store: RunStore) -> None:
    store.delete(["a", "log/1"])
    for name in ("a", "log/1", "nowhere/1"):
        assert not is_there(store, name)
        assert not is_link(store, name)
        assert not has_content(store, name, b"")
        with pytest.raises(FileNotFoundError):
            store.get(name)


def test_names_are_listed_by_folder_without_what_killed_writers_left(made: tuple[RunStore, Leave]) -> None:
    store, leave = made
    assert (store.list(), store.list("log")) == (("log",), ())
    with pytest.raises(FileNotFoundError):
        store.list("weights")
    for name in ("log/b", "log/a", "run.json"):
        store.create(name, b"")
    leave("log")
    with store.hold():
        assert store.list("log") == ("a", "b")
        assert store.list() == ("log", "run.json")
        store.remove_leftovers()
        assert store.list("log") == ("a", "b")
        store.delete(["log/a"])
        store.delete(["log/b"], lasting=False)
    assert store.list("log") == ()


def test_what_must_be_there_is_not_made_by_who_holds_it(tmp_path: Path) -> None:
    for missing in (LocalStore(tmp_path / "missing"), MemoryStore("missing")):
        with pytest.raises(NotFoundError, match="E611"), missing.hold(must_exist=True):
            pass
    assert list(tmp_path.iterdir()) == []


def test_one_holds_it_at_a_time(store: RunStore) -> None:
    assert not store.is_held()
    for _ in range(2):
        with store.hold():
            assert store.is_held()
            with pytest.raises(RunFolderError, match="E602"), store.hold():
                pass
            assert store.is_held()
        assert not store.is_held()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/passwd", "a/../../x", "a/..", "a//b", "a/b/c", "a\0b"])
def test_a_name_that_leaves_the_store_is_refused(store: RunStore, name: str) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.create(name, b"x"),
        lambda: store.put(name, b"x"),
        lambda: store.get(name),
        lambda: store.delete([name]),
        lambda: store.keep_copy(name, "log"),
    )
    for call in calls:
        with pytest.raises(ValueError, match=r"name|folder"):
            call()
    for folder in {name} - {""}:
        with pytest.raises(ValueError, match=r"name|folder"):
            store.make_folders(folder)


def test_copies_take_free_names(store: RunStore) -> None:
    store.make_folders("damaged")
    for content in (b"1", b"2"):
        store.put("a", content)
        store.keep_copy("a", "damaged")
    store.keep_copy("missing", "damaged")
    copies = [store.get(f"damaged/{name}") for name in store.list("damaged")]
    assert sorted(copies) == [b"1", b"2"]


def test_a_place_is_told_by_its_store_and_name(store: RunStore) -> None:
    assert store.name == "one"
    assert store.where().endswith("/one")
    assert store.where("log/1") == f"{store.where()}/log/1"
