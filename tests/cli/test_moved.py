"""A finished run needs neither its training files nor its place: real training, then all commands that use the run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from seqjobs import export as export_module
from seqjobs import run as run_module
from seqjobs.cli.commands import evaluate, export, predict
from seqjobs.execution.in_process import InProcess
from seqjobs.results.run import Run
from seqjobs.training.outcome import PackRunner
from tests.fixtures.command_line import invoke
from tests.fixtures.files import write_rows
from tests.fixtures.run_paths import paths_of

SPEC = """
name: points
data:
  train: ../data/train.parquet
  validation: ../data/test.parquet
  features: {x0: standardize, x1: raw, word: one_hot}
  target: yes
model:
  - Dense: {units: {choice: [3, 4]}, activation: relu}
  - Dense: {units: 1, activation: sigmoid}
compile: {optimizer: adam, loss: binary_crossentropy, metrics: [accuracy]}
fit: {epochs: 2, batch_size: 64, compile: eager}
search: {sampler: grid}
keep: {best: 2}
"""


def call(*arguments: str | Path, code: int = 0) -> Result:
    return invoke(*map(str, arguments), code=code)


class Project:
    """A folder with `jobs/points.yaml`, `data/` and `runs/`; new rows are somewhere else."""

    def __init__(self, root: Path, new: Path) -> None:
        self.root = root
        self.new = new

    def everything(self, out: Path) -> dict[str, object]:
        """What the commands say of the run `one` and write, for each of its trials."""
        import keras  # noqa: PLC0415 (imports TensorFlow)

        runs = ("--runs-dir", self.root / "runs")
        found: dict[str, object] = {"results": call("results", "one", *runs, "-o", "csv").stdout}
        assert "finished" in call("show", "one", *runs).stdout
        out.mkdir()
        for trial in (trial.id for trial in Run.open(self.root / "runs" / "one").trials):
            chosen = ("one", "--trial", trial, *runs)
            found[f"predict {trial}"] = call("predict", "one", self.new, *chosen[1:]).stdout
            found[f"evaluate {trial}"] = call("evaluate", "one", self.new, *chosen[1:], "-o", "json").stdout
            for kind, options in (("plain", ()), ("prepared", ("--with-preprocessing",))):
                path = out / f"{kind}-{trial}.keras"
                call("export", *chosen, "--out", path, *options)
                model = keras.models.load_model(path)
                found[f"{kind} {trial}"] = [weights.tolist() for weights in model.get_weights()]
        return found


@pytest.fixture(scope="module")
def _in_this_process(runner: PackRunner) -> Iterator[None]:
    """Commands train, predict and export in this process, which has TensorFlow."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (run_module, export_module):
            patch.setattr(module, "RayPool", lambda *_, **__: InProcess(start=lambda _: runner))
        for command in (predict, evaluate, export):
            patch.setattr(command, "workers_for", lambda *_: lambda _count: InProcess(start=lambda _: runner))
        yield


@pytest.fixture(scope="module")
def trained(points: Path, tmp_path_factory: pytest.TempPathFactory, _in_this_process: None) -> Path:
    """A project with a finished run, which tests copy."""
    root = tmp_path_factory.mktemp("trained") / "project"
    for folder in ("jobs", "data"):
        (root / folder).mkdir(parents=True)
    (root / "jobs" / "points.yaml").write_text(SPEC)
    for name in ("train", "test"):
        shutil.copy(points / f"{name}.parquet", root / "data")
    shutil.copy(points / "test.parquet", root.parent / "new.parquet")
    call("submit", root / "jobs" / "points.yaml", "--run", "one", "--runs-dir", root / "runs")
    return root


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    root = Path(shutil.copytree(trained, tmp_path / "old"))
    return Project(root, trained.parent / "new.parquet")


def test_a_finished_run_needs_nothing_but_itself(trained: Path, project: Project, tmp_path: Path) -> None:
    before = Project(trained, project.new).everything(tmp_path / "before")
    spec, runs = project.root / "jobs" / "points.yaml", project.root / "runs"
    assert (
        "run one is finished: nothing was trained." in call("submit", spec, "--run", "one", "--runs-dir", runs).stderr
    )
    for path in (project.root / "data").iterdir():
        path.write_bytes(b"no rows")
    assert "E411" in call("submit", spec, "--run", "one", "--runs-dir", runs, code=2).stderr
    shutil.rmtree(project.root / "data")
    assert "run one is finished" in call("submit", spec, "--run", "one", "--runs-dir", runs).stderr
    project.root = project.root.rename(tmp_path / "moved")
    trained.rename(trained.with_name("away"))
    try:
        assert project.everything(tmp_path / "after") == before
        moved = project.root / "jobs" / "points.yaml"
        result = call("submit", moved, "--run", "one", "--runs-dir", project.root / "runs")
        assert "run one is finished" in result.stderr
    finally:
        trained.with_name("away").rename(trained)
    assert [path.name for path in (project.root / "runs").iterdir()] == ["one"]


def test_a_run_whose_data_is_gone_stands_and_one_whose_data_differs_does_not(project: Project) -> None:
    spec, runs = project.root / "jobs" / "points.yaml", project.root / "runs"
    table = pq.read_table(project.root / "data" / "train.parquet")
    shutil.rmtree(project.root / "data")
    result = call("submit", spec, "--run", "one", "--runs-dir", runs)
    assert "run one is finished; its data was not compared, since it cannot be read: " in result.stderr
    assert "there is no file or folder '../data/train.parquet'" in result.stderr
    assert json.loads(call("submit", spec, "--run", "one", "--runs-dir", runs, "-o", "json").stdout)["run"] == "one"
    # A new run, or another spec, needs the data.
    for arguments in ([], ["--new"], ["--run", "two"], ["--run", "one", "-S", "seed=1"]):
        assert "E401" in call("submit", spec, "--runs-dir", runs, *arguments, code=2).stderr
    assert [path.name for path in runs.iterdir()] == ["one"]
    # Other rows are another dataset.
    write_rows(project.root / "data" / "train.parquet", table.slice(1))
    shutil.copy(project.new, project.root / "data" / "test.parquet")
    assert "E421" in call("submit", spec, "--run", "one", "--runs-dir", runs, code=2).stderr
    call("submit", spec, "--runs-dir", runs)
    assert len([*runs.iterdir()]) == 2


def test_the_same_spec_elsewhere_makes_the_same_trials_and_results(trained: Path, points: Path, tmp_path: Path) -> None:
    for folder in ("specs", "data"):
        (tmp_path / folder).mkdir()
    for name in ("train", "test"):
        shutil.copy(points / f"{name}.parquet", tmp_path / "data")
    (tmp_path / "specs" / "other.yaml").write_text(SPEC)
    call("submit", tmp_path / "specs" / "other.yaml", "--run", "one", "--runs-dir", tmp_path / "runs")
    first, second = (Run.open(root / "runs" / "one") for root in (trained, tmp_path))
    assert first.trials == second.trials
    assert first.histories().equals(second.histories())
    assert {file.name for file in paths_of(first).weights.iterdir()} == {
        file.name for file in paths_of(second).weights.iterdir()
    }
