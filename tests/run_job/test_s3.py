"""A run whose rows lie in S3 is the run whose rows lie here, and knows nothing of the credentials."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from seqjobs import run as run_module
from seqjobs.errors import DataError
from seqjobs.execution.in_process import InProcess
from seqjobs.jobspec.load import load_job
from seqjobs.results.progress import Silent
from seqjobs.results.run import Run
from seqjobs.run import WhichRun, run_job, submit_jobs
from seqjobs.training.outcome import PackRunner
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import RunPaths, paths_of
from tests.fixtures.runs import moved_points
from tests.s3_server import S3Server

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(s3: S3Server, points: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """What makes a spec of the points read them from the server."""
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    for name, value in s3.credentials.items():
        monkeypatch.setenv(name, value)
    s3.upload(points, "points")
    paths = (f"data.{name}=s3://points/{file}" for name, file in (("train", "train.*"), ("validation", "test.parquet")))
    return (*paths, *(f"data.storage.{key}={value}" for key, value in s3.storage.items()))


def trained(spec: Path, root: Path, runner: PackRunner, *overrides: str) -> tuple[list[object], list[str]]:
    """The histories, without the trial's id, which holds where the rows are, and the digests of the weights."""
    paths = RunPaths(root=root)
    # Op by op, which for so few steps takes less than compiling.
    plan = plan_of(spec, "fit.compile=eager", "fit.epochs=2", "fit.batch_size=128", *overrides)
    run_job(plan.table, InProcess(start=lambda _: runner), paths.store, Silent())
    histories = pq.read_table(paths.histories)
    return histories.drop_columns(["trial"]).to_pylist(), sorted(path.name for path in paths.weights.iterdir())


def test_where_the_rows_lie_changes_no_bit_and_no_credentials_are_kept(
    points: Path, bucket: tuple[str, ...], s3: S3Server, runner: PackRunner, tmp_path: Path
) -> None:
    spec = moved_points(points, tmp_path)
    here = trained(spec, tmp_path / "here", runner)
    there = trained(spec, tmp_path / "there", runner, *bucket)
    assert len(here[0]) == 2
    assert there == here
    for path in (tmp_path / "there").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [value for value in s3.credentials.values() if value.encode() in content], path


def test_a_finished_run_stands_if_its_store_refuses_access(
    points: Path, bucket: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "RayPool", lambda *_, **__: InProcess(start=StartFake()))
    job, told = load_job(moved_points(points, tmp_path), bucket), list[str]()

    def submit(run: str | WhichRun) -> Run:
        return submit_jobs([job], run=run, runs_dir=tmp_path / "runs", notify=told.append)

    finished = submit("one")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    assert submit("one").id == finished.id
    assert told[-1] == "run one is finished: nothing was trained"
    # Something is left to do, the best model: so the data is compared, if it can be read.
    paths_of(finished).best.unlink()
    assert submit("one").id == finished.id
    assert "run one is finished; its data was not compared, since it cannot be read: s3://points/" in told[-1]
    for run in (WhichRun.NEW, WhichRun.UNFINISHED, "new"):
        with pytest.raises(DataError, match="E401"):
            submit(run)
    assert {path.name for path in (tmp_path / "runs").iterdir() if (path / "run.json").exists()} == {finished.id}
