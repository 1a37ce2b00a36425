"""validate, plan, submit, export, predict, evaluate, schema, doctor: what they call, print and leave with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pytest

from seqjobs.cli.commands import doctor, evaluate, export, predict, submit
from seqjobs.data.unseen_values import UnseenValues
from seqjobs.doctor import Finding
from seqjobs.errors import ClusterError
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.planning.plan import Plan
from seqjobs.predict import Predictions
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.record import TrialRecord
from seqjobs.results.run import Run
from seqjobs.run import WhichRun
from tests.fixtures.command_line import invoke
from tests.fixtures.files import write_rows, write_spec
from tests.fixtures.run_paths import paths_of

from .written_runs import BY_LOSS, failed, finished, grid_plan, spec_text, standing_of, write_run

ROWS = {"a": [0.5, 1.5] * 50, "b": [1.0, 2.0] * 50, "label": [0, 1] * 50}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the command; nothing of the user's environment reaches into it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.parquet").touch()
    for name in ("SEQJOBS_RUNS_DIR", "COLUMNS", "SEQJOBS_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_validate_names_each_job(folder: Path) -> None:
    write_spec(folder, spec_text("one"), "one.yaml")
    write_spec(folder, spec_text("two"), "two.yaml")
    result = invoke("validate", "one.yaml", "two.yaml", "-S", "search.repeats=3")
    assert result.stdout == "ok one.yaml: one, 24 trials\nok two.yaml: two, 24 trials\n"


def test_a_spec_may_come_through_standard_input(folder: Path) -> None:
    write_rows(folder / "rows.parquet", ROWS)
    result = invoke("plan", "-", "-o", "json", stdin=spec_text())
    assert result.exit_code == 0, result.output
    (dataset,) = json.loads(result.stdout)["datasets"]
    assert dataset["train_rows"] == 100  # of what lies in the current folder


@pytest.mark.parametrize("command", ["validate", "plan", "submit"])
def test_every_mistake_of_every_file_is_told_at_once(folder: Path, command: str) -> None:
    write_spec(folder, spec_text("one").replace("fit:", "fitt:").replace("loss: binary", "loss: binari"), "one.yaml")
    write_spec(folder, spec_text("TWO"), "two.yaml")
    result = invoke(command, "one.yaml", "two.yaml", code=2)
    assert result.stdout == ""
    *lines, last = result.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["one.yaml", "one.yaml", "two.yaml"]
    assert last == "3 problems in 2 files; nothing was started. `seqjobs explain CODE` has details."
    assert not (folder / "runs").exists()


def test_plan_shows_what_would_run(folder: Path) -> None:
    write_rows(folder / "rows.parquet", ROWS)
    write_spec(folder, spec_text())
    lines = invoke("plan", "job.yaml").stdout.splitlines()
    assert lines[2].split() == ["small", "8", "maximize", "val_accuracy", "4", "45", "-", "121", "job.yaml"]
    assert lines[6].split()[:4] == ["rows.parquet", "100", "last", "20"]
    assert lines[-1] == "8 trials, 4 models; nothing was started"
    assert not any("pack" in line or "one at a time" in line for line in lines)
    assert not (folder / "runs").exists()


def test_plan_says_how_many_train_together_and_why_others_do_not(folder: Path) -> None:
    write_rows(folder / "rows.parquet", ROWS)
    rate = "compile.optimizer={Adam: {learning_rate: {log_uniform: [1e-4, 1e-1]}}}"
    write_spec(folder, spec_text())
    together = ("-S", "search={sampler: random, trials: 9}", "-S", rate, "-S", "model.0.Dense.units=8")
    lines = invoke("plan", "job.yaml", *together, "-S", "model.1.Dense.units=2", "-S", "fit.pack=6").stdout.splitlines()
    assert lines[-2:] == [
        "9 trials in 2 packs of 5, each pack in one program",
        "9 trials, 2 packs, 1 model; nothing was started",
    ]
    lines = invoke("plan", "job.yaml", "-S", "fit.pack=off").stdout.splitlines()
    assert lines[-2] == "8 trials one at a time: fit.pack is off"


def test_plan_as_json_has_every_trial(folder: Path) -> None:
    write_rows(folder / "rows.parquet", ROWS)
    write_spec(folder, spec_text())
    found = json.loads(invoke("submit", "job.yaml", "--dry-run", "-o", "json").stdout)
    assert (found["trials"], found["packs"], found["programs"]) == ({"total": 8}, 8, 4)
    assert found["plan"][0]["parameters"] == 3 * 8 + 9 * 4 + 5  # inputs and a bias for each unit
    assert [trial["trial"] for trial in found["plan"]] == [trial.id for trial in grid_plan(folder).trials]
    assert found["datasets"][0]["train_rows"] == 100
    assert not (folder / "runs").exists()


class Submitted:
    """Stands in for training: tells the progress what would happen, and leaves a run folder with given records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: Callable[[Plan], Mapping[str, TrialRecord]] = lambda _: {}
        self.texts: tuple[str, ...] = (spec_text(),)
        self.best_model = False
        self.note = ""
        self.arguments: dict[str, Any] = {}

    def __call__(self, jobs: Sequence[JobSpec], **arguments: Any) -> Run:
        self.arguments = {"jobs": jobs, **arguments}
        plan = grid_plan(self.folder, *self.texts)
        records = self.records(plan)
        progress = arguments["progress"]
        progress.stage("starting Ray")
        if self.note:
            arguments["notify"](self.note)
        progress.planned("run-one", plan, standing_of(plan, {}))
        print("a library's chatter", file=sys.stderr)
        progress.close()
        run = write_run(arguments["runs_dir"], plan, records)
        if self.best_model:
            paths_of(run).best.touch()
        return run


@pytest.fixture
def submitted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Submitted:
    write_spec(folder, spec_text())
    stand_in = Submitted(folder)
    monkeypatch.setattr(submit, "submit_jobs", stand_in)
    return stand_in


def all_finished(plan: Plan) -> Mapping[str, TrialRecord]:
    return {
        trial.id: finished(trial, 0.5 + number / 128, plan.job(trial.job).objective.metric)
        for number, trial in enumerate(plan.trials)
    }


def test_submit_passes_on_what_was_asked(submitted: Submitted) -> None:
    submitted.records = all_finished
    options = ("--run", "mine", "--runs-dir", "r", "--workers", "3", "--address", "h:6379", "-S", "fit.epochs=2")
    invoke("submit", "job.yaml", *options)
    (job,) = submitted.arguments.pop("jobs")
    assert job.source.path == Path("job.yaml")
    assert job.source.overrides == ("fit.epochs=2",)
    assert submitted.arguments.pop("progress")
    assert submitted.arguments.pop("notify")
    assert submitted.arguments.pop("stop")
    assert submitted.arguments == {"run": "mine", "runs_dir": Path("r"), "workers": 3, "address": "h:6379"}


@pytest.mark.parametrize("command", [("submit", "job.yaml"), ("doctor",), ("predict", "new.csv")])
def test_ray_s_client_is_refused_before_anything_starts(submitted: Submitted, command: tuple[str, ...]) -> None:
    found = invoke(*command, "--address", "ray://me:secret@h:10001", code=2).stderr
    assert "ray://...@h:10001 is an address of Ray's client, which is not supported: name the head's HOST:6379" in found
    assert not submitted.arguments


def test_submit_says_why_a_kept_cluster_is_not_used(submitted: Submitted) -> None:
    submitted.records, submitted.note = all_finished, "the warm cluster has no room left"
    result = invoke("submit", "job.yaml")
    assert "the warm cluster has no room left.\n" in result.stderr
    assert "kept" not in result.stdout


def test_submit_ends_with_the_leaderboard_and_what_to_do_next(submitted: Submitted, folder: Path) -> None:
    submitted.records = all_finished
    result = invoke("submit", "job.yaml")
    lines = result.stdout.splitlines()
    best = grid_plan(folder).trials[7]
    assert lines[0] == "val_accuracy (maximize)"
    assert lines[3].split()[:3] == ["1", best.id, "0.55469"]
    assert lines[-4:] == [
        "run run-one: 8 finished, 0 failed in 12.5 s",
        "  files in runs/run-one",
        "  seqjobs results run-one",
        "  seqjobs export run-one --out best.keras",
    ]
    assert "starting Ray" in result.stderr
    assert "chatter" not in result.stdout


def test_submit_names_the_best_model_where_it_is_not_in_the_usual_folder(submitted: Submitted) -> None:
    submitted.records, submitted.best_model = all_finished, True
    lines = invoke("submit", "job.yaml", "--runs-dir", "my runs").stdout.splitlines()
    assert lines[-3:] == [
        "  seqjobs results run-one --runs-dir 'my runs'",
        "  seqjobs export run-one --out best.keras --runs-dir 'my runs'",
        '  keras.models.load_model("my runs/run-one/best.keras")',
    ]


def test_submit_as_json_ends_with_one_object(submitted: Submitted, folder: Path) -> None:
    submitted.records = all_finished
    output = invoke("submit", "job.yaml", "-o", "json").stdout
    best = grid_plan(folder).trials[7]
    assert json.loads(output) == {
        "run": "run-one",
        "path": "runs/run-one",
        "status": "finished",
        "trials": {"total": 8, "finished": 8, "failed": 0, "remaining": 0},
        "best": {
            "trial": best.id,
            "job": "small",
            "objective": {"metric": "val_accuracy", "direction": "maximize", "value": 0.5 + 7 / 128},
            "hyperparameters": dict(best.hyperparameters),
        },
        "seconds": 12.5,
        "programs": 0,
        "compile_seconds": 0.0,
        "lost_attempts": 0,
    }


def test_submit_has_a_leaderboard_for_each_objective(submitted: Submitted) -> None:
    submitted.records, submitted.texts = all_finished, (spec_text("one"), spec_text("two", BY_LOSS))
    output = invoke("submit", "job.yaml").stdout
    assert output.index("val_accuracy (maximize)") < output.index("val_loss (minimize)")


def test_some_failures_leave_with_1_and_are_named(submitted: Submitted, folder: Path) -> None:
    bad = grid_plan(folder).trials[5]
    submitted.records = lambda plan: {**all_finished(plan), bad.id: failed(bad, "the loss\x1b[1m became NaN")}
    output = invoke("submit", "job.yaml", code=1).stdout
    assert f"1 trial failed\n  {bad.id}  small  nan: the loss became NaN\n" in output
    assert f"  seqjobs logs run-one --trial {bad.id}\n" in output
    assert "7 finished, 1 failed" in output


def test_only_failures_leave_with_3_and_no_model_to_export(submitted: Submitted) -> None:
    submitted.records = lambda plan: {trial.id: failed(trial) for trial in plan.trials}
    result = invoke("submit", "job.yaml", code=3)
    assert "8 trials failed" in result.stdout
    assert "and 3 more" in result.stdout
    assert "seqjobs export" not in result.stdout
    assert json.loads(invoke("show", "-o", "json").stdout)["best"] is None


def test_a_run_out_of_time_leaves_with_6_and_says_how_to_go_on(submitted: Submitted) -> None:
    submitted.records = lambda plan: {trial.id: finished(trial, 0.5) for trial in plan.trials[:3]}
    result = invoke("submit", "job.yaml", code=6)
    assert "3 finished, 0 failed, 5 left" in result.stdout
    assert "limits.run_time is over, and 5 of 8 trials are left" in result.stderr
    assert "--run run-one" in result.stderr


def test_a_lost_cluster_leaves_with_4(submitted: Submitted, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> Run:
        raise ClusterError("E801", "Ray is gone", fix="run the same command again.")

    monkeypatch.setattr(submit, "submit_jobs", lost)
    assert invoke("submit", "job.yaml", code=4).stderr.endswith(
        "Ray is gone. Fix: run the same command again. [E801]\n"
    )
    del submitted


WAITING = """
import signal, sys, time
from pathlib import Path
from seqjobs.cli.commands import submit as command
from seqjobs.cli.main import main
from tests.cli.written_runs import grid_plan, standing_of

def submit_jobs(jobs, *, progress, **_):
    plan = grid_plan(Path.cwd())
    if {planned}:
        progress.planned("run-one", plan, standing_of(plan, {{}}))
    if {like_ray}:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("cleaned up", flush=True)

command.submit_jobs = submit_jobs
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
main()
"""


@pytest.mark.parametrize(
    ("number", "code", "like_ray"),
    [(signal.SIGINT, 130, False), (signal.SIGTERM, 143, False), (signal.SIGTERM, 143, True)],
)
def test_a_signal_cleans_up_and_says_how_to_go_on(
    folder: Path, number: signal.Signals, code: int, like_ray: bool
) -> None:
    errors = signalled(folder, number, code, planned=True, like_ray=like_ray, arguments=("--run=old", "-S", "seed=1 "))
    again = "seqjobs submit job.yaml -S 'seed=1 ' --run run-one"
    assert errors[-1] == f"stopped. Resume with: {again}"


def test_a_signal_before_the_run_began_says_so(folder: Path) -> None:
    errors = signalled(folder, signal.SIGTERM, 143, planned=False, like_ray=False)
    assert errors[-1] == "stopped before the run began; nothing was trained."


def signalled(
    folder: Path, number: int, code: int, *, planned: bool, like_ray: bool, arguments: tuple[str, ...] = ()
) -> list[str]:
    """The lines on stderr of a submit that gets a signal while it trains."""
    write_spec(folder, spec_text())
    script = WAITING.format(planned=planned, like_ray=like_ray)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", script, "submit", "job.yaml", *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        process.send_signal(number)
        output, errors = process.communicate()
    assert (process.returncode, output) == (code, "cleaned up\n")
    assert "Traceback" not in errors
    return errors.splitlines()


def test_export_writes_the_model_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = grid_plan(folder)
    write_run(folder / "runs", plan, all_finished(plan))
    asked: list[tuple[str, str, Path, str | None]] = []

    def export_model(run: Run, trial: StoredTrial, out: Path, *, address: str | None, **_: object) -> Path:
        asked.append((run.id, trial.id, out, address))
        return out

    monkeypatch.setattr(export, "export_model", export_model)
    assert invoke("export", "--out", "a.keras").stdout == "a.keras\n"
    invoke("export", "run-one", "--trial", plan.trials[2].id, "--out", "b.keras", "--address", "h:1")
    assert asked == [
        ("run-one", plan.trials[7].id, Path("a.keras"), None),
        ("run-one", plan.trials[2].id, Path("b.keras"), "h:1"),
    ]


def test_export_takes_only_a_keras_file(folder: Path) -> None:
    assert folder.is_dir()
    assert "must end in .keras (got a.h5)" in invoke("export", "--out", "a.h5", code=2).stderr


@pytest.fixture
def asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What `predict` and `evaluate` ask for, of a run that finished."""
    plan, found = grid_plan(folder), list[tuple[object, ...]]()
    write_run(folder / "runs", plan, all_finished(plan))

    def predict_rows(
        run: Run, trial: StoredTrial, paths: Sequence[str], out: Path | IO[bytes], _: object, **more: object
    ) -> Predictions:
        found.append((run.id, trial.number, paths, out if isinstance(out, Path) else "a stream", more))
        if not isinstance(out, Path):
            out.write(b"prediction\n0.5\n")
        unseen = UnseenValues(values=frozenset({"XX", "YY"}), rows=34)
        return Predictions(rows=1234, unseen={"carrier\x1b[31m": unseen} if paths == ("unseen.csv",) else {})

    def evaluate_rows(run: Run, trial: StoredTrial, paths: Sequence[str], _: object) -> Mapping[str, float]:
        found.append((run.id, trial.number, paths))
        return {"loss": 0.25, "accuracy": 1 / 3}

    monkeypatch.setattr(predict, "predict_rows", predict_rows)
    monkeypatch.setattr(evaluate, "evaluate_rows", evaluate_rows)
    return found


def test_predict_takes_a_run_and_data(asked: list[tuple[object, ...]], folder: Path) -> None:
    (folder / "new.csv").touch()
    trial = grid_plan(folder).trials[2].id
    keep = ("--keep", "id", "--keep", "a", "--keep", "id")
    assert invoke("predict", "run-o", "*.csv", "--out", "out.csv", *keep).stdout == "out.csv: 1,234 rows\n"
    invoke("predict", "new.csv", "--out", "out.parquet", "--trial", trial)
    invoke("predict", "new.csv", "s3://bucket/more", "--out", "out.csv")
    assert invoke("predict", "new.csv").stdout == "prediction\n0.5\n"
    nothing: dict[str, object] = {"keep": ()}
    assert asked == [
        ("run-one", 7, ("*.csv",), Path("out.csv"), {"keep": ("id", "a")}),
        ("run-one", 2, ("new.csv",), Path("out.parquet"), nothing),
        ("run-one", 7, ("new.csv", "s3://bucket/more"), Path("out.csv"), nothing),
        ("run-one", 7, ("new.csv",), "a stream", nothing),
    ]


def test_predict_reports_values_that_training_has_not_seen(asked: list[tuple[object, ...]], folder: Path) -> None:
    (folder / "unseen.csv").touch()
    result = invoke("predict", "unseen.csv")
    assert result.stdout == "prediction\n0.5\n"
    assert result.stderr == "carrier: 2 values in 34 rows were not in the training rows and counted as `other`.\n"
    assert asked


def test_an_output_that_exists_is_replaced_only_with_force(asked: list[tuple[object, ...]], folder: Path) -> None:
    for name in ("new.csv", "out.csv", "out.keras"):
        (folder / name).write_text("mine")
    assert "out.csv exists; --force overwrites it" in invoke("predict", "new.csv", "--out", "out.csv", code=2).stderr
    assert "out.keras exists; --force overwrites it" in invoke("export", "--out", "out.keras", code=2).stderr
    assert not asked
    assert (folder / "out.csv").read_text() == (folder / "out.keras").read_text() == "mine"
    assert invoke("predict", "new.csv", "--out", "out.csv", "--force").stdout == "out.csv: 1,234 rows\n"


def test_an_output_in_a_missing_folder_is_a_usage_error(asked: list[tuple[object, ...]], folder: Path) -> None:
    (folder / "new.csv").touch()
    for arguments in (("predict", "new.csv", "--out", "no/out.csv"), ("export", "--out", "no/out.keras")):
        assert "the folder no does not exist" in invoke(*arguments, code=2).stderr
    assert not asked


@pytest.mark.parametrize("address", ["s3://bucket/x", "gs://bucket/x", "https://host/x", "file:///x"])
def test_an_address_is_no_place_for_outputs(
    asked: list[tuple[object, ...]], folder: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    write_spec(folder, spec_text())
    (folder / "new.csv").touch()
    before = sorted(folder.rglob("*"))
    reason = f"{address} is not on this machine"
    assert reason in invoke("submit", "job.yaml", "--runs-dir", address, code=2).stderr
    assert reason in invoke("ls", "--runs-dir", address, code=2).stderr
    assert f"{address}.keras is not" in invoke("export", "--out", f"{address}.keras", code=2).stderr
    assert f"{address}.csv is not" in invoke("predict", "new.csv", "--out", f"{address}.csv", code=2).stderr
    assert reason in invoke("init", "new.csv", "--target", "y", "--out", address, code=2).stderr
    monkeypatch.setenv("SEQJOBS_RUNS_DIR", address)
    assert reason in invoke("show", code=2).stderr
    assert sorted(folder.rglob("*")) == before
    assert not asked


def test_predict_says_what_it_does_not_take(asked: list[tuple[object, ...]], folder: Path) -> None:
    (folder / "new.csv").touch()
    assert "must end in .parquet or .csv (got a.xlsx)" in invoke("predict", "a", "--out", "a.xlsx", code=2).stderr
    assert "no run 'ran-one'" in invoke("predict", "ran-one", "new.csv", "--out", "a.csv", code=5).stderr
    assert "Missing argument" in invoke("predict", "--out", "a.csv", code=2).stderr
    for run in ("run-one", "run-o", "runs/run-one"):
        assert f"Missing DATA: {run} is a run." in invoke("predict", run, "--out", "a.csv", code=2).stderr
        assert f"Missing DATA: {run} is a run." in invoke("evaluate", run, code=2).stderr
    assert asked == []


def test_evaluate_prints_text_or_json(asked: list[tuple[object, ...]], folder: Path) -> None:
    assert invoke("evaluate", "rows.parquet").stdout == "loss 0.25\naccuracy 0.333333\n"
    trial = grid_plan(folder).trials[7].id
    assert json.loads(invoke("evaluate", "run-one", "rows.parquet", "-o", "json").stdout) == {
        "run": "run-one",
        "trial": trial,
        "metrics": {"loss": 0.25, "accuracy": 1 / 3},
    }
    assert asked == [("run-one", 7, ("rows.parquet",))] * 2


def test_schema_is_json() -> None:
    assert "compile" in json.loads(invoke("schema").stdout)["properties"]


def test_doctor_prints_what_it_finds_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(address: str | None, workers: int | None) -> Iterator[Finding]:
        assert (address, workers) == ("h:1", 2)
        yield Finding(name="keras", value="3.15.1")
        yield Finding(name="free disk", value="0.1 GiB", ok=False, hint="free some of it")

    monkeypatch.setattr(doctor, "examine", examine)
    result = invoke("doctor", "--address", "h:1", "--workers", "2", code=4)
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["ok", "keras", "3.15.1"],
        ["BAD", "free", "disk", "0.1", "GiB"],
        ["Fix:", "free", "some", "of", "it"],
    ]


def test_doctor_leaves_with_0_where_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda *_: iter([Finding(name="keras", value="3.15.1")]))
    assert invoke("doctor", code=0).stdout.split() == ["ok", "keras", "3.15.1"]


def test_submit_without_a_run_resumes_and_with_new_does_not(submitted: Submitted) -> None:
    submitted.records = all_finished
    invoke("submit", "job.yaml", "--runs-dir", "r")
    asked = [submitted.arguments["run"]]
    invoke("submit", "job.yaml", "--runs-dir", "s", "--new")
    asked.append(submitted.arguments["run"])
    assert asked == [WhichRun.UNFINISHED, WhichRun.NEW]
    assert "leave out --new or --run" in invoke("submit", "job.yaml", "--run", "one", "--new", code=2).stderr
