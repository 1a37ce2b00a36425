"""Segments: durable before they count, whole or refused, and one writer."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from seqjobs.errors import StorageError
from seqjobs.results import run_log
from seqjobs.results.run_log import Record, RunLog, decode_segment, encode_segment, read_log, segment_name
from seqjobs.store import durable
from seqjobs.store.local_store import LocalStore


def store_in(folder: Path) -> LocalStore:
    store = LocalStore(folder)
    store.make_folders("log")
    return store


def write(folder: Path, *groups: list[int]) -> None:
    log = RunLog(store_in(folder), next_number=read_log(store_in(folder))[1])
    for group in groups:
        log.append(*({"n": number} for number in group))
        log.commit()


def numbers(folder: Path) -> list[int]:
    return [record["n"] for record in read_log(store_in(folder))[0]]


def test_records_come_back_in_order_whatever_they_hold(tmp_path: Path) -> None:
    log = RunLog(store_in(tmp_path), next_number=1)
    records: list[Record] = [
        {"x": 0.1 + 0.2, "y": "line\nbreak \u2028 \r \ud800 \x00"},
        {"x": 5e-324},
        {"x": 1.7976931348623157e308},
    ]
    log.append(*records)
    log.commit()
    log.append({"x": -0.0})
    log.commit()
    found, following = read_log(store_in(tmp_path))
    assert found == [*records, {"x": -0.0}]
    assert str(found[3]["x"]) == "-0.0"
    assert following == 3
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["00000001.jsonl", "00000002.jsonl"]


def test_a_group_of_records_shares_a_segment_and_is_due_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 100.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])
    log = RunLog(store_in(tmp_path), next_number=1)
    log.append({"n": 1})
    due = [log.is_due]
    clock["now"] += run_log.GROUP_SECONDS * 0.9
    log.append({"n": 2})
    due.append(log.is_due)
    clock["now"] += run_log.GROUP_SECONDS * 0.2
    due.append(log.is_due)  # for as long as the oldest has waited
    log.commit()
    assert [*due, log.is_due] == [False, False, True, False]
    log.commit()
    assert numbers(tmp_path) == [1, 2]
    assert len(list((tmp_path / "log").iterdir())) == 1


def test_records_that_cannot_be_written_are_refused_together(tmp_path: Path) -> None:
    log = RunLog(store_in(tmp_path), next_number=1)
    with pytest.raises(ValueError, match="JSON"):
        log.append({"n": 1}, {"n": float("nan")})
    log.commit()
    assert read_log(store_in(tmp_path)) == ([], 1)


def test_who_finds_its_number_taken_stops_for_good(tmp_path: Path) -> None:
    write(tmp_path, [1])
    zombie, owner = RunLog(store_in(tmp_path), next_number=2), RunLog(store_in(tmp_path), next_number=2)
    owner.append({"n": 2})
    owner.commit()
    zombie.append({"n": 99})
    for _ in range(2):
        with pytest.raises(StorageError, match=r"00000002\.jsonl.*\[E605\]"):
            zombie.commit()
    (tmp_path / "log" / segment_name(2)).unlink()
    with pytest.raises(StorageError, match="E605"):
        zombie.commit()
    assert numbers(tmp_path) == [1]


@pytest.mark.parametrize("call", range(1, 3))
def test_an_interrupted_commit_may_be_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    log = RunLog(store_in(tmp_path), next_number=1)
    log.append({"n": 1})
    fsync, calls = os.fsync, 0

    def interrupt(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        fsync(descriptor)
        if calls == call:
            raise KeyboardInterrupt  # as Ctrl-C does: when the system call is over

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        log.commit()
    log.commit()
    log.append({"n": 2})
    log.commit()
    assert numbers(tmp_path) == [1, 2]
    assert len(list((tmp_path / "log").iterdir())) == 2


def test_a_full_disk_is_told_with_the_path_and_the_records_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = RunLog(store_in(tmp_path), next_number=1)
    log.append({"n": 1})

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(durable, "create_once", full)
        with pytest.raises(StorageError, match=r"00000001\.jsonl: .*No space left.*\[E606\]") as found:
            log.commit()
    assert found.value.exit_code == 4
    log.commit()
    assert numbers(tmp_path) == [1]


def test_a_segment_whose_folder_did_not_sync_is_never_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = RunLog(store_in(tmp_path), next_number=1)
    log.append({"n": 1})

    def fail(_path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_folder", fail)
        with pytest.raises(StorageError, match="E606"):
            log.commit()
    with pytest.raises(StorageError, match="E606"):
        log.commit()
    assert numbers(tmp_path) == [1]  # as a reader may find it, or not


def test_every_truncation_and_every_changed_byte_is_found() -> None:
    content = encode_segment(['{"n":1}', '{"n":2}'])
    assert decode_segment(content, "x") == [{"n": 1}, {"n": 2}]
    damaged = [content[:length] for length in range(len(content))] + [content + b"\n", content + content]
    damaged += [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in range(len(content))]
    for bad in damaged:
        with pytest.raises(StorageError, match=r"the/file: .*\[E609\]"):
            decode_segment(bad, "the/file")


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    write(tmp_path, [1], [2], [3])
    (tmp_path / "log" / segment_name(2)).unlink()
    with pytest.raises(StorageError, match=r"00000002\.jsonl: .*missing.*\[E609\]"):
        read_log(store_in(tmp_path))


def test_a_damaged_segment_is_named(tmp_path: Path) -> None:
    write(tmp_path, [1], [2])
    path = tmp_path / "log" / segment_name(2)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(StorageError, match=r"00000002\.jsonl: .*damaged.*\[E609\]"):
        read_log(store_in(tmp_path))


def test_recovery_is_a_function_of_the_segments_alone(tmp_path: Path) -> None:
    write(tmp_path, [1, 2], [3])
    for name in (f"{durable.ASIDE_PREFIX}1-ff", "1.jsonl", "00000009.jsonl.bak", "notes.txt"):
        (tmp_path / "log" / name).write_text("other")
    assert read_log(store_in(tmp_path)) == read_log(store_in(tmp_path)) == ([{"n": 1}, {"n": 2}, {"n": 3}], 3)
    assert read_log(LocalStore(tmp_path / "missing")) == ([], 1)


def test_a_listing_that_misses_a_name_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, [1], [2], [3])
    # As readdir may, where files are created while it runs.
    monkeypatch.setattr(os, "listdir", lambda _folder: [segment_name(3)])
    assert numbers(tmp_path) == [1, 2, 3]


def test_a_log_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    with pytest.raises(StorageError, match=r"log: the log cannot be read: Not a directory.*\[E610\]"):
        read_log(LocalStore(tmp_path))
    log.unlink()
    (log / segment_name(1)).mkdir(parents=True)
    with pytest.raises(StorageError, match="E610"):
        read_log(store_in(tmp_path))
