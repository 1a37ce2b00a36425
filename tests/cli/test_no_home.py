"""Commands of a user whom the system does not know, and who has no home folder, as in many containers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.runs import moved_points

UNKNOWN = 54321
# In a namespace of its own, a process may have any number as its user, and still reads what its real user may read.
AS_UNKNOWN = ("unshare", "--user", f"--map-user={UNKNOWN}", f"--map-group={UNKNOWN}")


def can_be_unknown() -> bool:
    try:
        return subprocess.run([*AS_UNKNOWN, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not can_be_unknown(), reason="this machine gives no process another user")


def seqjobs(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_STATE_HOME")}
    return subprocess.run(
        [*AS_UNKNOWN, sys.executable, "-m", "seqjobs.cli.main", *arguments],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_up_is_refused_and_there_is_nothing_to_end(tmp_path: Path) -> None:
    refused = seqjobs(tmp_path, "up")
    assert refused.returncode == 4
    assert refused.stderr.startswith("user 54321 has no home folder")
    assert "set XDG_STATE_HOME" in refused.stderr
    assert refused.stderr.endswith("[E526]\n")
    ended = seqjobs(tmp_path, "down")
    assert (ended.returncode, ended.stderr) == (0, "there is no warm cluster.\n")


@pytest.mark.parametrize("home", [os.devnull, "/proc/1/cwd"])
def test_a_home_folder_that_cannot_be_entered_has_no_cluster(tmp_path: Path, home: str) -> None:
    ended = seqjobs(tmp_path, "down", HOME=home)
    assert (ended.returncode, ended.stderr) == (0, "there is no warm cluster.\n")
    assert "[E606]" in seqjobs(tmp_path, "up", HOME=home).stderr


@pytest.mark.slow
@pytest.mark.ray
def test_submit_and_predict_need_no_home_folder(points: Path, tmp_path: Path) -> None:
    spec = moved_points(points, tmp_path)
    submitted = seqjobs(tmp_path, "submit", str(spec), "--run", "first")
    assert submitted.returncode == 0, submitted.stderr
    predicted = seqjobs(tmp_path, "predict", "first", "test.parquet", "--out", "predictions.csv")
    assert predicted.returncode == 0, predicted.stderr
