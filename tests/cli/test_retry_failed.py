"""`seqjobs submit --retry-failed`, as a person types it: real processes, fake training."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from seqjobs.results.run import RunStatus
from tests.cli.test_resumed import Folder
from tests.conftest import POINTS_SPEC
from tests.fixtures.command_line import invoke
from tests.fixtures.fake_runner import Behaviour
from tests.fixtures.runs import moved_points

RATES = f"learning_rate: {{choice: [0.1, {float(Behaviour.FAIL_ONCE)}]}}"


@pytest.fixture
def folder(points: Path, tmp_path: Path) -> Folder:
    """The spec of two trials, one of which fails the first time."""
    text = POINTS_SPEC.replace("learning_rate: 0.01", RATES) + "search: {sampler: grid}\nlimits: {retries: 0}\n"
    moved_points(points, tmp_path, text)
    return Folder(tmp_path)


def test_the_newest_run_with_failed_trials_is_retried(folder: Folder) -> None:
    errors = folder.submit("--retry-failed", code=5)
    assert "no run of these specs and this data has failed trials" in errors
    assert "[E618]" in errors
    assert not list(folder.path.glob("runs/*"))
    folder.submit(code=1)
    (failed,) = folder.runs()
    assert f"resuming run {failed.id}.\n" in folder.submit("--retry-failed")
    (run,) = folder.runs()
    assert (run.status, run.num_finished, run.num_failed) == (RunStatus.FINISHED, 2, 0)


def test_a_run_is_named_and_must_exist(folder: Folder) -> None:
    assert "[E611]" in folder.submit("--retry-failed", "--run", "one", code=5)
    asked = invoke("submit", str(folder.path / "job.yaml"), "--retry-failed", "--new", code=2)
    assert "leave out --new or --retry-failed" in asked.stderr


def test_show_has_the_command_that_retries(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.submit(code=1)
    monkeypatch.chdir(folder.path)
    monkeypatch.delenv("SEQJOBS_RUNS_DIR", raising=False)
    found = re.search(r"^retry with +seqjobs submit job.yaml (.*)$", invoke("show").stdout, re.M)
    assert found
    folder.submit(*shlex.split(found[1]))
    assert "retry with" not in invoke("show").stdout
