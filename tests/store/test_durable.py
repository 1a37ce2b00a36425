"""Files that are whole or not there, private whatever the umask, and errors that name their path."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqjobs.errors import StorageError
from seqjobs.store import durable


@pytest.fixture(params=[0o000, 0o077])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_umask")
def test_files_and_folders_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    durable.make_folder(folder)
    durable.create_once(folder / "once", b"1")
    durable.replace(folder / "again", b"1")
    durable.replace(folder / "again", b"2", lasting=False)
    assert [mode(path) for path in (folder.parent, folder)] == [0o700, 0o700]
    assert [mode(path) for path in sorted(folder.iterdir())] == [0o600, 0o600]


def test_a_taken_name_is_refused_and_what_is_there_stays(tmp_path: Path) -> None:
    durable.create_once(tmp_path / "x", b"first")
    with pytest.raises(FileExistsError):
        durable.create_once(tmp_path / "x", b"second")
    assert (tmp_path / "x").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_replaced_file_is_the_old_one_until_it_is_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    durable.replace(path, b"old")
    seen: list[bytes] = []
    fsync = os.fsync

    def look(descriptor: int) -> None:
        seen.append(path.read_bytes())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    durable.replace(path, b"new")
    assert seen == [b"old", b"new"]  # the file is synced before it is published, its folder after


def test_a_file_is_synced_then_linked_then_its_folder_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, link = os.fsync, os.link

    def note_fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_link(*arguments: Path) -> None:
        calls.append("link")
        link(*arguments)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "link", note_link)
    durable.create_once(tmp_path / "x", b"1")
    assert calls == ["file", "link", "folder"]


def test_a_file_that_need_not_last_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: pytest.fail("fsync"))
    durable.replace(tmp_path / "x", b"1", lasting=False)
    assert (tmp_path / "x").read_bytes() == b"1"


@pytest.mark.parametrize("write", [durable.create_once, durable.replace])
def test_a_failed_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], None]
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        write(tmp_path / "x", b"1")
    assert list(tmp_path.iterdir()) == []


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (f"{durable.ASIDE_PREFIX}7-abc", "run.json", ".hidden"):
        (tmp_path / name).touch()
    durable.remove_asides(tmp_path)
    durable.remove_asides(tmp_path / "missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "run.json"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StorageError, match=r"no hard links.*choose another --runs-dir.*\[E606\]"):
        durable.create_once(tmp_path / "a", b"content")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_folders_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(FileExistsError):
        durable.make_folder(tmp_path / "x")
    durable.make_folder(tmp_path)


def test_an_error_of_the_system_is_reported_with_the_path_and_a_reported_one_as_it_is() -> None:
    def fail(code: int) -> None:
        with durable.reported("the disk did not", Path("/some/where")):
            raise OSError(code, os.strerror(code))

    with pytest.raises(StorageError, match=r"/some/where: the disk did not: No space left.*\[E606\]") as found:
        fail(errno.ENOSPC)
    assert found.value.exit_code == 4
    inner = StorageError("E605", "x")
    with pytest.raises(StorageError) as again, durable.reported("y", Path("z")):
        raise inner
    assert again.value is inner
