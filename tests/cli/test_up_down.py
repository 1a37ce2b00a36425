"""`seqjobs up`, submits on the cluster that it keeps, `seqjobs down`: the commands as a person types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from seqjobs.execution.kept import cluster
from tests.conftest import POINTS_SPEC
from tests.fixtures.command_line import run
from tests.fixtures.files import write_spec

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path
    cluster.down(force=True)


def seqjobs(*arguments: str, code: int = 0) -> tuple[str, str]:
    """What it says on stdout and on stderr."""
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def trained(spec: Path, runs: Path, run: str) -> dict[str, Any]:
    out, err = seqjobs("submit", str(spec), "--runs-dir", str(runs), "--run", run, "-o", "json")
    assert "using the warm cluster" in err
    assert "starting workers" not in err
    found: dict[str, Any] = json.loads(out)
    return found


def test_submits_train_on_the_cluster_that_is_up_until_it_is_down(home: Path, points: Path) -> None:
    spec = write_spec(points, POINTS_SPEC, "up.yaml")
    assert seqjobs("down") == ("", "there is no warm cluster.\n")

    out, err = seqjobs("up", "--workers", "1", "--idle", "10", "-o", "json")
    assert err == "starting Ray, and TensorFlow in its workers.\n"
    status = json.loads(out)
    assert not status["was_up"]
    assert status["is_warm"]
    assert status["idle_seconds"] == 600
    (worker,) = status["workers"]

    first = trained(spec, home / "runs", "first")
    second = trained(spec, home / "runs", "second")
    assert first["status"] == second["status"] == "finished"
    assert first["best"] == second["best"]

    again = json.loads(seqjobs("up", "-o", "json")[0])
    assert again["was_up"]
    assert (again["pid"], again["workers"]) == (status["pid"], status["workers"])
    shown, _ = seqjobs("up")
    assert "before this command" in shown
    assert f"process  {status['pid']}" in shown
    assert "1 worker" in shown

    assert seqjobs("down") == ("", "the warm cluster has ended.\n")
    assert not psutil.pid_exists(worker["pid"])
    assert not psutil.pid_exists(status["pid"])
