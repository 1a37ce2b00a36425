"""How much memory is free: what the machine says, or less where a container may have less."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from seqjobs.data import free_memory
from seqjobs.data.free_memory import free_bytes

from .conftest import Folder

MACHINE = 10_000


def group(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(f"{content}\n")


def second(most: str, used: int, inactive: int = 0) -> dict[str, str]:
    stat = f"anon 7\ninactive_file {inactive}\nslab 3"
    return {"memory.max": most, "memory.current": str(used), "memory.stat": stat}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of control groups; `cgroup` beside it says in which this process is."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=MACHINE))
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(free_memory, "ROOT", tmp_path / "groups")
    (tmp_path / "cgroup").write_text("0::/a/b\n")
    return tmp_path / "groups"


def test_without_groups_it_is_what_the_machine_has(root: Path) -> None:
    assert free_bytes() == MACHINE
    group(root / "a" / "b", second("max", 5_000))
    assert free_bytes() == MACHINE
    (root.parent / "cgroup").unlink()
    assert free_bytes() == MACHINE


@pytest.mark.parametrize("place", ["a/b", "a", "."])
def test_the_least_that_a_group_or_one_above_it_leaves(root: Path, place: str) -> None:
    group(root / "a" / "b", second("max", 5_000))
    group(root / place, second("6000", 5_000, inactive=200))
    assert free_bytes() == 1_200
    group(root / place, second("6000", 7_000))
    assert free_bytes() == 0
    group(root / place, second("99000", 1))
    assert free_bytes() == MACHINE


def test_groups_of_the_first_version(root: Path) -> None:
    (root.parent / "cgroup").write_text("12:cpu,cpuacct:/x\n4:memory:/docker/1\n1:name=systemd:/x\n0::/x\n")
    files = {"memory.limit_in_bytes": "4000", "memory.usage_in_bytes": "3500", "memory.stat": "total_inactive_file 9"}
    group(root / "memory", files)
    assert free_bytes() == 509


def test_what_a_container_has_not_is_not_read_into(folder: Folder, root: Path) -> None:
    folder.write({"x": [1.0] * 200, "label": [0, 1] * 100})
    (root.parent / "cgroup").write_text("0::/\n")
    assert len(folder.read().train) == 200
    group(root, second("6000", 5_000))
    error = folder.error()
    assert (error.code, "200 rows need" in error.what) == ("E413", True)
