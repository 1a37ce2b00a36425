"""Checkpoints on disk: the last one of each pack, whole or none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.training.outcome import PackCheckpoint
from tests.fixtures.run_paths import RunPaths


def saved(content: bytes, epochs: int = 1) -> PackCheckpoint:
    return PackCheckpoint(epochs=epochs, content=content)


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    (tmp_path / "run").mkdir()
    return RunPaths(root=tmp_path / "run")


def test_the_last_one_is_found_again(paths: RunPaths) -> None:
    store = CheckpointStore(paths.store)
    assert store.load("a") is None
    assert store.epochs("a") == 0
    for checkpoint in (saved(b"first", 3), saved(b"second", 700)):
        store.save("a", checkpoint)
        assert store.load("a") == checkpoint
        assert store.epochs("a") == checkpoint.epochs
    assert CheckpointStore(paths.store).load("a") == saved(b"second", 700)
    assert paths.checkpoint("a").stat().st_mode & 0o777 == 0o600
    assert paths.checkpoints.stat().st_mode & 0o777 == 0o700


def test_one_that_is_damaged_is_none(paths: RunPaths) -> None:
    store = CheckpointStore(paths.store)
    store.save("a", saved(b"content"))
    path = paths.checkpoint("a")
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert store.load("a") is None
    for cut in (whole[:-1], whole[:20], b""):
        path.write_bytes(cut)
        assert store.load("a") is None
    path.unlink()
    assert store.load("a") is None
    assert store.epochs("a") == 0


def test_one_of_the_first_version_is_none(paths: RunPaths) -> None:
    """It did not say how many epochs it was of."""
    CheckpointStore(paths.store).save("a", saved(b"content"))
    paths.checkpoint("a").write_bytes(hashlib.sha256(b"content of a pack").digest() + b"content of a pack")
    assert CheckpointStore(paths.store).load("a") is None


def test_those_of_packs_that_are_over_go(paths: RunPaths) -> None:
    store = CheckpointStore(paths.store)
    for pack_id in "abc":
        store.save(pack_id, saved(pack_id.encode()))
    store.remove("a")
    store.remove("a")
    store.remove("unknown")
    (paths.checkpoints / ".aside-1-2").write_bytes(b"half")
    CheckpointStore(paths.store).keep_only({"b"})
    paths.store.remove_leftovers()
    assert [path.name for path in paths.checkpoints.iterdir()] == [paths.checkpoint("b").name]
