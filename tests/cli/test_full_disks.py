"""Disks that are full: the message names the room that is left, and the same command works once there is more."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures.plans import plan_of
from tests.fixtures.runs import do, moved_points

SPEC = """
name: wide
data: {train: rows.parquet, target: label}
model:
  - Dense: {units: 1500, activation: relu}
  - Dense: {units: 1000, activation: relu}
  - Dense: {units: 1, activation: sigmoid}
compile: {optimizer: {Adam: {learning_rate: {choice: [0.001, 0.002]}}}, loss: binary_crossentropy}
fit: {epochs: 1, compile: eager}
objective: {metric: loss, direction: minimize}
"""
SMALL = "mkdir small && mount -t tmpfs -o size=64k none small && "
SEQJOBS = f"{sys.executable} -m seqjobs.cli.main"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which a command can mount a small disk."""
    probe = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this user may not mount anything")
    random = np.random.default_rng(1)
    x = random.normal(size=200).astype("float32")
    pq.write_table(pa.table({"x": x, "label": random.integers(0, 2, 200)}), tmp_path / "rows.parquet")
    (tmp_path / "job.yaml").write_text(SPEC)
    return tmp_path


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a script of the shell that sees the small disk, which is gone with it."""
    command = ["unshare", "-rm", "bash", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_file_for_which_there_is_no_room(folder: Path) -> None:
    fill = "head -c 64k /dev/zero > small/other 2> /dev/null; "
    init = f"{SEQJOBS} init rows.parquet --target label --out small/spec.yaml"
    done = run(folder, f"{SMALL}{fill}{init}; code=$?; rm small/other; {init} && exit $code")
    assert done.returncode == 4, done
    told, wrote = done.stderr.splitlines()
    assert told.startswith("small/spec.yaml: the spec cannot be written: No space left on device; 0 B of 64 KiB")
    assert "Fix: free space there" in told
    assert told.endswith("[E606]")
    assert wrote.startswith("wrote small/spec.yaml")


@pytest.mark.parametrize("command", ["rm one", "gc --keep-last 0"])
def test_runs_are_removed_from_a_full_disk(folder: Path, points: Path, command: str) -> None:
    do(plan_of(moved_points(points, folder)), folder / "one")
    disk = "mkdir small && mount -t tmpfs -o size=1m none small && cp -r one small/one && "
    fill = "head -c 1m /dev/zero > small/other 2> /dev/null; "
    done = run(folder, f"{disk}{fill}{SEQJOBS} {command} --runs-dir small && ls -A small")
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-1] == "other"


@pytest.mark.slow
@pytest.mark.ray
def test_a_run_whose_disk_fills_resumes_when_there_is_room(folder: Path) -> None:
    submit, grow = f"{SEQJOBS} submit job.yaml --runs-dir small", "mount -o remount,size=100m small"
    done = run(folder, f"{SMALL}{submit}; code=$?; {grow}; {submit} && ls small && exit $code")
    assert done.returncode == 4, done
    (told,) = [line for line in done.stderr.splitlines() if line.endswith("[E606]")]
    assert "cannot be written: No space left on device; " in told
    assert "of 64 KiB are free" in told
    assert "2 finished" in done.stderr + done.stdout
    # One run, which the second submit resumed.
    assert len([line for line in done.stdout.splitlines() if re.fullmatch(r"[0-9-]+-wide", line)]) == 1, done.stdout
