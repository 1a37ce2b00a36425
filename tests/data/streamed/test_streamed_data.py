"""Rows that are larger than `data.memory`: the same rows, in a file."""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.data.streamed.presence import present
from seqjobs.data.streamed.scratch import remove_rows, scratch_folder
from seqjobs.data.streamed.stored_rows import StoredRows
from seqjobs.errors import DataError

from ..conftest import Folder

ROWS = 60_000
MEMORY = "1MiB"


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    return scratch_folder()


class Both(NamedTuple):
    streamed: Dataset
    in_memory: Dataset

    def stored(self) -> StoredRows:
        features: Any = self.streamed.train.features
        assert isinstance(features, StoredRows)
        return features


@pytest.fixture
def both(folder: Folder) -> Both:
    write(folder)
    spec: dict[str, Any] = {"validation": "validation.parquet", "features": FEATURES}
    return Both(folder.read(**spec, memory=MEMORY), folder.read(**spec))


FEATURES: dict[str, Any] = {
    "x": [{"impute": "mean"}, "standardize"],
    "kind": "one_hot",
    "pair": {"rescale": 0.5},
}


def write(folder: Folder, first: float = 0.0) -> None:
    random = np.random.default_rng(1)
    for name, rows in (("train", ROWS), ("validation", 5_000)):
        x = [None if value > 1.5 else value for value in random.normal(size=rows).tolist()]
        columns = {
            "x": [first, *x[1:]],
            "kind": random.choice(["a", "b", "c"], rows),
            "pair": random.normal(size=(rows, 2)).tolist(),
            "label": random.integers(0, 2, rows),
        }
        folder.write(columns, f"{name}.parquet")


def test_it_is_the_same_data(both: Both) -> None:
    streamed, in_memory = both
    assert streamed.fingerprint == in_memory.fingerprint
    assert streamed.preparation == in_memory.preparation
    assert streamed.schema == in_memory.schema
    for split, expected in ((streamed.train, in_memory.train), (streamed.validation, in_memory.validation)):
        assert split is not None
        assert expected is not None
        np.testing.assert_array_equal(split.features[:], expected.features)
        np.testing.assert_array_equal(split.target, expected.target)


def test_rows_are_had_as_of_an_array(both: Both) -> None:
    stored, array = both.stored(), both.in_memory.train.features
    assert (len(stored), stored.shape) == (ROWS, array.shape)
    jumble = np.random.default_rng(2).permutation(ROWS)
    for index in (slice(3, 9), slice(None), slice(-5, None), slice(7, 3), jumble[:999], jumble[:1], jumble[:0], jumble):
        np.testing.assert_array_equal(stored[index], array[index])
    last = stored.part(slice(ROWS - 777, None))
    np.testing.assert_array_equal(last[jumble[jumble < 777]], array[-777:][jumble[jumble < 777]])
    np.testing.assert_array_equal(last.part(slice(10, 20))[:], array[-767:-757])
    np.testing.assert_array_equal(np.concatenate(list(last.in_chunks())), array[-777:])
    np.testing.assert_array_equal(stored.shaped((7, 1))[5:7], array[5:7].reshape(2, 7, 1))


def test_what_is_held_is_a_window(both: Both) -> None:
    stored = both.stored()
    size = stored.window.chunk_rows
    assert size * stored.row_bytes <= 2**20 / 64
    for chunks in ((0, 5), (5, 7), (1,)):
        stored[np.concatenate([np.arange(chunk * size, chunk * size + 3) for chunk in chunks])]
        assert stored._cache.chunks == set(chunks)


def test_another_process_of_the_machine_reads_the_same_file(both: Both, scratch: Path) -> None:
    assert len(list(scratch.iterdir())) == 2
    other = pickle.loads(pickle.dumps(both.streamed))
    np.testing.assert_array_equal(other.train.features[:100], both.in_memory.train.features[:100])
    assert present(other) is other


def test_another_machine_reads_the_rows_again(both: Both, scratch: Path) -> None:
    elsewhere = pickle.loads(pickle.dumps(both.streamed))
    shutil.rmtree(scratch)
    here = present(elsewhere)
    assert here.fingerprint == elsewhere.fingerprint
    np.testing.assert_array_equal(here.train.features[:], both.in_memory.train.features)
    assert present(elsewhere) is elsewhere  # whose file is there again


def test_rows_that_have_changed_meanwhile_are_refused(both: Both, folder: Folder, scratch: Path) -> None:
    elsewhere = pickle.loads(pickle.dumps(both.streamed))
    shutil.rmtree(scratch)
    write(folder, first=1.0)
    with pytest.raises(DataError) as caught:
        present(elsewhere)
    assert caught.value.code == "E421"


def test_files_are_removed_unless_somebody_reads_them(folder: Folder, scratch: Path) -> None:
    write(folder)
    dataset = folder.read(features=FEATURES, memory=MEMORY)
    fingerprint = dataset.fingerprint
    other = pickle.loads(pickle.dumps(dataset))
    assert len(other.train.features[:1]) == 1
    del dataset
    remove_rows(fingerprint)
    (path,) = scratch.iterdir()
    assert path.name.startswith(fingerprint)
    del other
    remove_rows("another")
    assert path.exists()
    remove_rows(fingerprint)
    assert list(scratch.iterdir()) == []


def test_rows_that_cannot_be_read_leave_no_file(folder: Folder, scratch: Path) -> None:
    write(folder)
    folder.write({"x": [0.5], "kind": ["a"], "pair": [[1.0, None]], "label": [0]}, "validation.parquet")
    error = folder.error(validation="validation.parquet", features=FEATURES, memory=MEMORY)
    assert "null in column 'pair'" in error.what
    assert list(scratch.iterdir()) == []


def test_a_disk_without_room_is_told(folder: Folder, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    error = folder.error(features=FEATURES, memory=MEMORY)
    assert error.code == "E413"
    assert f"only 1 MiB are free in {scratch}" in error.what
    assert list(scratch.iterdir()) == []


def _a_file(path: Path) -> None:
    path.touch()


def _a_folder_for_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def _a_folder_of_another_user(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    path.mkdir(mode=0o700)
    os.chown(path, 65534, 65534)


def _a_link(path: Path) -> None:
    target = path.with_name("elsewhere")
    target.mkdir(mode=0o700)
    path.symlink_to(target)


@pytest.mark.parametrize("occupy", [_a_file, _a_folder_for_all, _a_folder_of_another_user, _a_link])
def test_the_name_of_the_folder_cannot_be_taken_away(
    folder: Folder, scratch: Path, occupy: Callable[[Path], None]
) -> None:
    write(folder)
    scratch.rmdir()
    occupy(scratch)
    streamed = folder.read(features=FEATURES, memory=MEMORY)
    features: Any = streamed.train.features
    used = features.path.parent
    assert used != scratch
    assert (used.stat().st_mode & 0o777, used.stat().st_uid) == (0o700, os.geteuid())
    assert list(scratch.iterdir() if scratch.is_dir() else []) == []
    assert scratch_folder() == used  # for all processes, and once more
    assert present(streamed) is streamed
    del streamed, features
    fingerprint = folder.read(features=FEATURES).fingerprint
    remove_rows(fingerprint)
    assert list(used.iterdir()) == []


def test_a_temporary_folder_that_cannot_be_used_is_told(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    error = folder.error(features=FEATURES, memory=MEMORY)
    assert (error.code, "TMPDIR" in error.fix) == ("E413", True)


def test_what_is_held_back_is_not_learned_from(folder: Folder) -> None:
    write(folder)
    for memory in (MEMORY, "1GiB"):
        source = replace(folder.source(features=FEATURES, memory=memory), validation_split=0.4)
        found = read_dataset(source).train.features[: ROWS * 6 // 10][:, 0].astype(np.float64)
        assert abs(found.mean()) < 1e-6
        assert abs(found.std() - 1) < 1e-6
