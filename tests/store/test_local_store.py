"""What only a store on a file system has: links, pipes, folders in the place of files, and power cuts."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from seqjobs.errors import RunFolderError
from seqjobs.store import durable
from seqjobs.store.local_store import LocalStore
from seqjobs.store.run_store import is_link, is_there


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    (tmp_path / "one" / "log").mkdir(parents=True)
    return LocalStore(tmp_path / "one")


def test_no_link_is_followed(store: LocalStore, tmp_path: Path) -> None:
    root, outside = tmp_path / "one", tmp_path / "outside"
    outside.mkdir()
    (outside / "1").write_bytes(b"precious")
    (root / "weights").symlink_to(outside)
    (root / "log" / "1").symlink_to(outside / "1")
    assert (is_link(store, "weights"), is_link(store, "log/1"), is_there(store, "log/1")) == (True, True, True)
    with pytest.raises(OSError, match="it is a symbolic link"):
        store.get("log/1")
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.get("weights/1"),
        lambda: store.create("weights/2", b"x"),
        lambda: store.put("weights/1", b"x"),
        lambda: store.delete(["weights/1"]),
        lambda: store.list("weights"),
        lambda: store.make_folders("weights"),
    )
    for call in calls:
        with pytest.raises(RunFolderError, match="E617"):
            call()
    (root / "lock").symlink_to(outside / "1")
    with pytest.raises(RunFolderError, match="E617"):
        store.is_held()
    with pytest.raises(RunFolderError, match="E617"), store.hold():
        pass
    with pytest.raises(FileExistsError):
        store.create("log/1", b"x")
    store.put("log/1", b"x")  # takes the place of the link
    assert (outside / "1").read_bytes() == b"precious"
    assert [path.name for path in outside.iterdir()] == ["1"]


def test_what_is_no_file_is_refused_at_once_and_leaves_nothing_open(store: LocalStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "one" / "pipe")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        for name in ("log", "pipe"):
            assert is_there(store, name)
            with pytest.raises(OSError, match=r"directory|regular file"):
                store.get(name)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_folder_of_a_run_that_was_taken_away_is_not_made_again(store: LocalStore, tmp_path: Path) -> None:
    store.create("log/1", b"1")
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.create("log/2", b"2"),
        lambda: store.put("run.json", b""),
        lambda: store.make_folders("log"),
    )
    for call in calls:
        with pytest.raises(FileNotFoundError):
            call()
    assert not (tmp_path / "one").exists()


def test_the_lock_is_no_name_of_the_store(store: LocalStore) -> None:
    with store.hold():
        assert store.list() == ("log",)
    with pytest.raises(ValueError, match="lock"):
        store.put("lock", b"")


def test_a_holder_lists_only_what_survives_a_power_cut(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durable, "sync_folder", synced.append)
    store.list("log")
    assert synced == []
    with store.hold():
        store.list("log")
    assert synced == [tmp_path / "one" / "log"]


def test_a_name_of_an_interrupted_writer_is_made_durable_before_it_counts(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_folder", fail)
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output"):
                store.create("log/1", b"1")
    assert is_there(store, "log/1")
    synced: list[Path] = []
    monkeypatch.setattr(durable, "sync_folder", synced.append)
    store.create("log/1", b"1")
    assert synced == [tmp_path / "one" / "log"]


def test_anything_can_be_kept_aside(store: LocalStore, tmp_path: Path) -> None:
    root = tmp_path / "one"
    (root / "a.npz").symlink_to(tmp_path / "nowhere")
    os.mkfifo(root / "b.npz")
    (root / "c.npz" / "deep").mkdir(parents=True)
    store.make_folders("damaged")
    for name in ("a.npz", "b.npz", "c.npz"):
        store.keep_copy(name, "damaged")
    assert store.list("damaged") == ("a.npz", "b.npz", "c.npz")
    assert (root / "damaged" / "a.npz").is_symlink()
    assert (root / "damaged" / "b.npz").is_fifo()
    assert (root / "damaged" / "c.npz" / "deep").is_dir()
