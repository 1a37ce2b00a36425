"""The same command again after a submit was killed: real processes and a real SIGKILL, fake training."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqjobs.results.run import Run, RunStatus
from tests.conftest import POINTS_SPEC, ROOT
from tests.fixtures.command_line import SUBMITTED, invoke, start
from tests.fixtures.fake_runner import Behaviour, trainings
from tests.fixtures.files import write_rows
from tests.fixtures.runs import moved_points, result

NUM_TRIALS = 4
TEXT = (
    POINTS_SPEC.replace("learning_rate: 0.01", f"learning_rate: {float(Behaviour.SLOW)}")
    + f"search: {{repeats: {NUM_TRIALS}}}\n"
)


class Folder:
    """A spec, its data and its runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes = path / "notes"
        self.cwd = path
        self.specs: tuple[str, ...] = ("job.yaml",)

    def start(self, *options: str, **variables: str) -> subprocess.Popen[str]:
        notes = {"PYTHONPATH": str(ROOT), "SEQJOBS_TEST_NOTES": str(self.notes)}
        variables = {**notes, "SEQJOBS_TEST_SLOW": "0", **variables}
        return start("submit", *self.specs, *options, folder=self.cwd, command=SUBMITTED, variables=variables)

    def submit(self, *options: str, code: int = 0) -> str:
        """What a submit that runs to its end prints on stderr."""
        with self.start(*options) as process:
            _, errors = process.communicate()
        assert process.returncode == code, errors
        return errors

    def begin(self, number: int, *options: str) -> subprocess.Popen[str]:
        """A submit that has begun so many trials in this folder; the last of them takes hours."""
        process = self.start(*options, SEQJOBS_TEST_SLOW="3600", SEQJOBS_TEST_SLOW_FROM=str(number))
        while len(trainings(self.notes)) < number and process.poll() is None:
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()
        return process

    def kill(self, number: int, *options: str) -> Run:
        """The run of a submit that got SIGKILL while it trained."""
        with self.begin(number, *options) as process:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        (run,) = (run for run in self.runs() if run.status is RunStatus.INTERRUPTED)
        return run

    def runs(self) -> list[Run]:
        return [Run.open(path.parent) for path in sorted(self.path.glob("runs/*/run.json"))]


@pytest.fixture
def folder(points: Path, tmp_path: Path) -> Folder:
    path = make(tmp_path / "folder")
    moved_points(points, path, TEXT)
    return Folder(path)


def make(path: Path) -> Path:
    path.mkdir()
    return path


def test_the_same_command_resumes_a_run_whose_submit_was_killed(folder: Folder) -> None:
    killed = folder.kill(2)
    errors = folder.submit()
    assert f"resuming run {killed.id} (pass --new to start another).\n" in errors
    (run,) = folder.runs()
    assert (run.id, run.status, run.num_finished) == (killed.id, RunStatus.FINISHED, NUM_TRIALS)
    # What was committed is not trained again.
    begun = trainings(folder.notes)
    assert len(begun) - len(set(begun)) <= 1
    # Now it is finished: the same command starts another run.
    assert "resuming" not in folder.submit()
    assert len(folder.runs()) == 2


def test_another_spec_or_new_starts_another_run(folder: Folder) -> None:
    killed = folder.kill(1)
    assert "resuming" not in folder.submit("-S", "fit.epochs=2")
    assert "resuming" not in folder.submit("--new")
    assert {run.status for run in folder.runs() if run.id != killed.id} == {RunStatus.FINISHED}
    assert len(folder.runs()) == 3
    assert f"resuming run {killed.id} " in folder.submit()


def test_other_data_starts_another_run_and_says_why(folder: Folder) -> None:
    killed = folder.kill(1)
    path = folder.path / "train.parquet"
    write_rows(path, pq.read_table(path).slice(1))
    errors = folder.submit()
    assert f"run {killed.id} cannot be resumed: its data has changed since it began.\n" in errors
    first, second = sorted(folder.runs(), key=lambda run: run.status is RunStatus.FINISHED)
    assert (first.id, first.status) == (killed.id, RunStatus.INTERRUPTED)
    assert (second.status, second.num_finished) == (RunStatus.FINISHED, NUM_TRIALS)
    assert "E421" in folder.submit("--run", killed.id, code=2)


def test_neither_the_order_of_specs_nor_a_move_hides_a_run(folder: Folder, points: Path, tmp_path: Path) -> None:
    # Each has rows of its own under the same name.
    for name, rows in (("a", 50), ("b", 40)):
        moved_points(points, make(folder.path / name), TEXT.replace("name: points", f"name: {name}"))
        path = folder.path / name / "train.parquet"
        write_rows(path, pq.read_table(path).slice(0, rows))
    folder.specs = ("a/job.yaml", "b/job.yaml")
    killed = folder.kill(2)
    trained = trainings(folder.notes)
    # The project moves, and the command comes from another folder with the specs in another order.
    project = make(tmp_path / "elsewhere") / "project"
    folder.path.rename(project)
    folder.path, folder.notes, folder.cwd = project, project / "notes", make(tmp_path / "current")
    folder.specs = ("../elsewhere/project/b/job.yaml", str(project / "a" / "job.yaml"))
    shown = invoke("show", "--runs-dir", str(project / "runs")).stdout
    assert f"seqjobs submit {project / 'a' / 'job.yaml'} {project / 'b' / 'job.yaml'} --run {killed.id}" in shown
    assert f"resuming run {killed.id} " in folder.submit("--runs-dir", str(project / "runs"))
    (run,) = folder.runs()
    assert (run.status, run.num_finished) == (RunStatus.FINISHED, 2 * NUM_TRIALS)
    assert sorted(dataset.train_rows for dataset in run.manifest.datasets) == [40, 50]
    assert set(trained) < set(trainings(folder.notes))
    assert "is finished" in folder.submit("--runs-dir", str(project / "runs"), "--run", killed.id)


def test_the_order_of_specs_changes_no_result(folder: Folder) -> None:
    text = TEXT.replace("name: points", "name: other") + "objective: {metric: val_accuracy, direction: maximize}\n"
    (folder.path / "other.yaml").write_text(text)
    for specs in (("job.yaml", "other.yaml"), ("other.yaml", "job.yaml")):
        folder.specs = specs
        folder.submit("--run", specs[0].removesuffix(".yaml"))
    assert result(folder.path / "runs" / "job") == result(folder.path / "runs" / "other")


def test_a_submit_that_is_refused_after_reading_its_data_leaves_no_folder(folder: Folder) -> None:
    path = folder.path / "train.parquet"
    table = pq.read_table(path)
    nulls = pa.nulls(table.num_rows, pa.float32())
    write_rows(path, table.set_column(table.column_names.index("x0"), "x0", nulls))
    assert "E408" in folder.submit(code=2)
    assert list((folder.path / "runs").iterdir()) == []
    assert "E408" in folder.submit("--run", "named", code=2)


def test_two_submits_at_once_are_two_runs(folder: Folder) -> None:
    folder.kill(1)
    with folder.start() as first, folder.start() as second:
        errors = [first.communicate()[1], second.communicate()[1]]
    assert (first.returncode, second.returncode) == (0, 0), errors
    assert sum("resuming run" in text for text in errors) == 1
    assert [run.status for run in folder.runs()] == [RunStatus.FINISHED] * 2


def test_a_run_that_a_process_works_on_is_left_to_it(folder: Folder) -> None:
    with folder.begin(1) as process:
        assert "resuming" not in folder.submit()
        assert {run.status for run in folder.runs()} == {RunStatus.RUNNING, RunStatus.FINISHED}
        process.kill()
        process.communicate()


def test_show_has_the_command_that_resumes(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = folder.kill(1, "-S", "fit.epochs=2")
    monkeypatch.chdir(folder.path)
    monkeypatch.delenv("SEQJOBS_RUNS_DIR", raising=False)
    shown = invoke("show").stdout
    found = re.search(r"^resume with +seqjobs submit job.yaml (.*)$", shown, flags=re.MULTILINE)
    assert found
    assert found[1].split() == ["-S", "fit.epochs=2", "--run", killed.id]
    folder.submit(*found[1].split())
    assert [run.status for run in folder.runs()] == [RunStatus.FINISHED]
    assert "resume with" not in invoke("show").stdout
