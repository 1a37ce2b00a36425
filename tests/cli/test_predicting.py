"""`seqjobs predict` from end to end: a finished run, new rows, CSV on standard output; fake training."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest

from seqjobs.cli.commands import predict
from seqjobs.execution.in_process import InProcess
from tests.fixtures.command_line import invoke, start
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.files import write_rows, write_spec
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import do

SPEC = """
name: flights
data: {train: rows.parquet, target: late, features: {carrier: one_hot, distance: raw}}
model: [{Dense: {units: 1}}]
compile: {optimizer: sgd, loss: mse}
fit: {epochs: 1, validation_split: 0.2}
"""

# A predict whose workers take hours to start.
HANGING = """
import sys, time
from seqjobs.cli.commands import predict
from seqjobs.cli.main import cli
def start(_count):
    print("started", flush=True)
    time.sleep(3600)
predict.workers_for = lambda *_: start
cli(sys.argv[1:])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished run."""
    columns = {"carrier": ["UA", "B6"] * 20, "distance": [1.0, 2.0] * 20, "late": [0.0, 1.0] * 20}
    write_rows(tmp_path / "rows.parquet", columns)
    do(plan_of(write_spec(tmp_path, SPEC)), tmp_path / "runs" / "one")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQJOBS_RUNS_DIR", raising=False)
    monkeypatch.setattr(predict, "workers_for", lambda *_: lambda _count: InProcess(start=StartFake()))
    return tmp_path


def test_predictions_go_to_standard_output(folder: Path) -> None:
    (folder / "new.csv").write_text("carrier,distance,id\nUA,1.5,7\nXX,2.5,8\nXX,3.5,9\nYY,4.5,10\n")
    result = invoke("predict", "new.csv", "--keep", "id")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["id"] for row in rows] == ["7", "8", "9", "10"]
    assert len(rows[0]) > 1
    assert result.stderr == "carrier: 2 values in 3 rows were not in the training rows and counted as `other`.\n"
    assert invoke("predict", "new.csv", "--keep", "id", "--out", "out.csv").stdout == "out.csv: 4 rows\n"
    assert (folder / "out.csv").read_text() == result.stdout


def test_a_trial_of_a_pack_is_found_by_its_id(folder: Path) -> None:
    (folder / "new.csv").write_text("carrier,distance\nUA,1.5\n")
    spec = folder / "job.yaml"
    plan = plan_of(spec, "compile.optimizer={SGD: {learning_rate: {choice: [0.1, 0.2]}}}", "fit.pack=2", "keep.best=2")
    run = do(plan, folder / "runs" / "two")
    printed = [invoke("predict", "two", "new.csv", "--trial", trial.id).stdout for trial in run.trials]
    assert len(set(printed)) == 2


def test_nothing_is_printed_if_a_row_cannot_be_predicted(folder: Path) -> None:
    (folder / "new.csv").write_text("carrier,distance\nUA,1.5\n,2.5\n")
    result = invoke("predict", "new.csv", code=2)
    assert result.stdout == ""
    assert "null" in result.stderr


def test_what_a_killed_predict_left_is_removed_by_the_next_one(folder: Path) -> None:
    (folder / "new.csv").write_text("carrier,distance\nUA,1.5\n")
    for name in (".aside-notes.txt", ".aside-1-0000", "mine.csv"):
        (folder / name).write_text("mine")
    (folder / ".aside-1-00000000").symlink_to("mine.csv")
    before = {path.name for path in folder.iterdir()}
    command = (sys.executable, "-c", HANGING)
    with start("predict", "one", "new.csv", "--out", "other.csv", folder=folder, command=command) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        written = {path.name for path in folder.iterdir()} - before
        assert len(written) == 1
        # It is at work: its file stays.
        invoke("predict", "new.csv", "--out", "out.csv")
        assert {path.name for path in folder.iterdir()} == {*before, *written, "out.csv"}
        process.kill()
    invoke("predict", "new.csv", "--out", "out.csv", "--force")
    assert {path.name for path in folder.iterdir()} == {*before, "out.csv"}
    assert (folder / "mine.csv").read_text() == "mine"
