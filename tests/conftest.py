"""What the tests share: one TensorFlow in this process, small real datasets, and specs made of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from seqjobs.execution.start_runner import start_runner
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.jobspec.load import parse_job
from seqjobs.planning.expansion import TrialTable, expand_jobs
from seqjobs.planning.plan import Plan
from seqjobs.preview import plan_jobs
from seqjobs.training import environment
from seqjobs.training.outcome import PackRunner
from tests.fixtures.files import write_rows
from tests.s3_server import S3Server, s3_server
from tests.tiers import group_items, is_of_another_tier

environment.pin()  # before any test module imports Keras

ROOT = Path(__file__).parent.parent
JOBS = ROOT / "jobs"

MakeJob = Callable[..., JobSpec]
MakePlan = Callable[..., Plan]
MakeTable = Callable[..., TrialTable]
"""`make_points_plan(*overrides, text=POINTS_SPEC)`: a plan of one job over the points."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return is_of_another_tier(collection_path, config.option.markexpr) or None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    group_items(items, config.option.markexpr)


@pytest.fixture(scope="session")
def runner() -> PackRunner:
    """TensorFlow as a worker with one CPU has it; its threads cannot be set again, so all tests share it."""
    return start_runner(1)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A real S3 server, which all tests share."""
    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `train.parquet` (7 batches of 29 rows) and `test.parquet` (50 rows): 6 features, targets."""
    folder = tmp_path_factory.mktemp("points")
    for name, rows, seed in (("train", 203, 1), ("test", 50, 2)):
        random = np.random.default_rng(seed)
        features = random.normal(size=(rows, 6)).astype(np.float32)
        score = features @ np.array([1.0, -2.0, 0.5, 0.0, 1.5, -0.5], dtype=np.float32)
        columns = {f"x{index}": features[:, index] for index in range(6)}
        columns["yes"] = (score > 0).astype(np.int8)
        columns["kind"] = np.digitize(score, [-1.5, 0, 1.5]).astype(np.int32)
        columns["score"] = score
        columns["word"] = np.array(["low", "mid", "high", "top"])[columns["kind"]]
        write_rows(folder / f"{name}.parquet", columns)
    return folder


@pytest.fixture(scope="session")
def jobs_data() -> Path:
    """The real datasets of `jobs/`."""
    return JOBS / "data"


POINTS_SPEC = """
name: points
data:
  train: train.parquet
  validation: test.parquet
  features: [x0, x1, x2, x3, x4, x5]
  target: yes
model:
  - Dense: {units: 8, activation: relu}
  - Dense: {units: 1, activation: sigmoid}
compile: {optimizer: {Adam: {learning_rate: 0.01}}, loss: binary_crossentropy, metrics: [accuracy]}
fit: {epochs: 3, batch_size: 29}
"""


@pytest.fixture
def make_job(points: Path) -> MakeJob:
    """Parses a spec (POINTS_SPEC if none is given) that reads the points, with overrides `path=value`."""

    def make(*overrides: str, text: str = POINTS_SPEC) -> JobSpec:
        return parse_job(dedent(text), points / "job.yaml", overrides)

    return make


@pytest.fixture
def make_points_table(make_job: MakeJob) -> MakeTable:
    """The trials of one job over the points, with overrides; the points are not read."""

    def make(*overrides: str, text: str = POINTS_SPEC) -> TrialTable:
        return expand_jobs([make_job(*overrides, text=text)])

    return make


@pytest.fixture
def make_points_plan(make_job: MakeJob) -> MakePlan:
    """A plan of one job over the points, with overrides."""

    def make(*overrides: str, text: str = POINTS_SPEC) -> Plan:
        return plan_jobs([make_job(*overrides, text=text)])

    return make
