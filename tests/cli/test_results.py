"""ls, show, results, logs: what they print of runs that lie in a folder."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from seqjobs.execution.events import AttemptLost, WorkerReplaced
from seqjobs.planning.plan import Plan
from seqjobs.results import log_records
from seqjobs.results.run_log import RunLog
from seqjobs.store.local_store import LocalStore
from seqjobs.store.lock import Lock
from seqjobs.training.outcome import Cause, Failure
from tests.errors.lines import code_of
from tests.fixtures.command_line import invoke
from tests.fixtures.run_paths import paths_of
from tests.foreign.forge import Forged, Tree

from .written_runs import BY_LOSS, failed, finished, grid_plan, spec_text, write_run


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQJOBS_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return grid_plan(tmp_path)


@pytest.fixture
def _run(tmp_path: Path, plan: Plan) -> None:
    """Seven trials finished, one failed, none left."""
    records = {trial.id: finished(trial, 0.9 + number / 100) for number, trial in enumerate(plan.trials[:7])}
    records[plan.trials[7].id] = failed(plan.trials[7], "the loss\nbecame \x1b[31mNaN")
    write_run(tmp_path / "runs", plan, records)


@pytest.mark.usefixtures("_run")
def test_results_are_the_leaderboard(plan: Plan) -> None:
    lines = invoke("results").stdout.splitlines()
    best, last = plan.trials[6], plan.trials[7]
    assert lines[0] == "val_accuracy (maximize)"
    assert lines[1].split() == [
        "#", "trial", "val_accuracy", "status", "0.Dense.units", "1.Dense.units", "learning_rate", "loss", "epochs",
        "time",
    ]  # fmt: skip
    values = [str(value) for value in best.hyperparameters.values()]
    assert lines[3].split() == ["1", best.id, "0.96000", "finished", *values, "0.50000", "2", "1.2", "s"]
    assert lines[10].split()[:4] == ["-", last.id, "-", "failed"]
    assert f"  {last.id}  small  nan: the loss became NaN" in lines


def test_results_of_a_run_without_ended_trials_say_so(plan: Plan, tmp_path: Path) -> None:
    write_run(tmp_path / "runs", plan, {})
    result = invoke("results")
    assert result.stdout == ""
    assert result.stderr == "no trial of run run-one has finished yet.\n"
    assert json.loads(invoke("results", "-o", "json").stdout) == {"run": "run-one", "leaderboard": []}


@pytest.mark.usefixtures("_run")
def test_results_as_json_are_stable(plan: Plan) -> None:
    found = json.loads(invoke("results", "run-", "-o", "json", "--top", "1").stdout)
    best = plan.trials[6]
    assert found == {
        "run": "run-one",
        "leaderboard": [
            {
                "rank": 1,
                "trial": best.id,
                "job": "small",
                "objective": {"metric": "val_accuracy", "direction": "maximize", "value": 0.96},
                "hyperparameters": dict(best.hyperparameters),
                "seconds": 1.25,
                "status": "finished",
                "mean": 0.96,
                "std": None,
                "metrics": {"loss": 0.5, "val_accuracy": 0.96},
                "repeat": 0,
                "seed": 0,
                "epochs": 2,
                "compiled": None,
                "failure": None,
            }
        ],
    }


@pytest.mark.usefixtures("_run")
def test_results_as_csv_have_every_trial_and_no_formula(plan: Plan) -> None:
    output = invoke("results", "-o", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(output)))
    assert [row["trial"] for row in rows[:2]] == [plan.trials[6].id, plan.trials[5].id]
    assert len(rows) == 8
    assert rows[0]["value"] == "0.96"
    assert rows[0]["model.0.Dense.units"] == str(plan.trials[6].hyperparameters["model.0.Dense.units"])
    assert "\x1b" not in output


def test_a_text_that_begins_like_a_formula_is_quoted_and_a_number_is_not(plan: Plan, tmp_path: Path) -> None:
    one, two = plan.trials[:2]
    bad = replace(failed(two), failure=Failure(cause=Cause.DATA, message="x"))
    run = write_run(tmp_path / "runs", plan, {one.id: finished(one, -0.5), two.id: bad})

    def change(tree: Tree) -> None:
        for trial in tree["trials"]:
            trial["hyperparameters"]["model.1.Dense.units"] = "=1+1"

    Forged(run.path).plan(change)
    first, second = csv.DictReader(io.StringIO(invoke("results", "-o", "csv").stdout))
    assert (first["model.1.Dense.units"], first["value"]) == ("'=1+1", "-0.5")
    assert second["failure"] == "data: x"


@pytest.mark.usefixtures("_run")
def test_results_as_markdown_are_a_table(plan: Plan) -> None:
    lines = invoke("results", "-o", "markdown", "--top", "2").stdout.splitlines()
    assert lines[0] == "### val_accuracy (maximize)"
    assert lines[2].startswith("| # | trial | val_accuracy |")
    assert lines[4].startswith(f"| 1 | {plan.trials[6].id} | 0.96000 |")
    assert len(lines) == 7


@pytest.mark.usefixtures("_run")
@pytest.mark.parametrize(
    ("sort", "first"),
    [("rank", 6), ("val_accuracy", 0), ("-val_accuracy", 6), ("value", 0), ("seconds", 7), ("trial", None)],
)
def test_results_sort_by_any_column(plan: Plan, sort: str, first: int | None) -> None:
    found = json.loads(invoke("results", f"--sort={sort}", "-o", "json").stdout)["leaderboard"]
    expected = min(trial.id for trial in plan.trials) if first is None else plan.trials[first].id
    assert found[0]["trial"] == expected
    assert len(found) == 8


@pytest.mark.usefixtures("_run")
@pytest.mark.parametrize("name", ["learning_rate", "compile.optimizer.Adam.learning_rate"])
def test_results_sort_by_a_hyperparameter(name: str) -> None:
    found = json.loads(invoke("results", f"--sort=-{name}", "-o", "json").stdout)["leaderboard"]
    rates = [row["hyperparameters"]["compile.optimizer.Adam.learning_rate"] for row in found]
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == 2


@pytest.mark.usefixtures("_run")
def test_an_unknown_column_is_a_usage_error() -> None:
    assert "did you mean 'learning_rate'?" in invoke("results", "--sort=learning_rat", code=2).stderr


def test_each_objective_has_a_leaderboard(tmp_path: Path) -> None:
    plan = grid_plan(tmp_path, spec_text("one"), spec_text("two", BY_LOSS), spec_text("three"))
    metrics = {job.name: job.objective.metric for job in plan.jobs}
    records = {trial.id: finished(trial, 0.5, metrics[trial.job]) for trial in plan.trials}
    write_run(tmp_path / "runs", plan, records)
    output = invoke("results", "--top", "2").stdout
    accuracy, loss = output.split("val_loss (minimize)")
    assert accuracy.startswith("val_accuracy (maximize)")
    assert "and 14 more trials: seqjobs results run-one -o csv" in accuracy
    assert "and 6 more trials" in loss
    assert " job " in accuracy.splitlines()[1]
    assert " job " not in loss.splitlines()[1]
    ranks = [(row["rank"], row["job"]) for row in json.loads(invoke("results", "-o", "json").stdout)["leaderboard"]]
    assert ranks.count((1, "two")) == 1
    assert len(ranks) == 24


@pytest.mark.usefixtures("_run")
def test_show_tells_how_a_run_stands(plan: Plan, tmp_path: Path) -> None:
    output = invoke("show").stdout
    assert "status      finished" in output
    assert "trials      8: 7 finished, 1 failed, 0 left" in output
    assert f"best        val_accuracy (maximize) 0.96000  {plan.trials[6].id}  small" in output
    assert f"path        {tmp_path / 'runs' / 'run-one'}\n" in output


@pytest.mark.usefixtures("_run")
def test_show_has_no_word_of_what_is_not_known() -> None:
    output = invoke("show").stdout
    assert "\ncompiled" not in output
    assert "\nreplaced" not in output
    assert "\nlost" not in output


@pytest.mark.usefixtures("_run")
def test_attempts_that_died_are_shown_though_their_trials_finished(tmp_path: Path) -> None:
    log = RunLog(LocalStore(tmp_path / "runs" / "run-one"), next_number=2)
    for cause, message in (
        (Cause.CRASH, "exit code 1"),
        (Cause.INFRASTRUCTURE, "node lost"),
        (Cause.CRASH, "\x1b[2J9"),
    ):
        failure = Failure(cause=cause, message=message)
        lost = AttemptLost(pack_id="0123456789", attempt=1, worker="w", failure=failure, charged=False, final=False)
        log.append({**log_records.attempt_lost(lost), "at": 13.0})
    log.commit()
    assert (
        "\nlost        3 attempts died (crash 2, infrastructure 1); the last one, of pack 0123456789: 9\n"
        in invoke("show").stdout
    )
    assert json.loads(invoke("show", "-o", "json").stdout)["lost_attempts"] == 3


def test_how_trials_were_compiled_and_who_was_replaced_is_shown(plan: Plan, tmp_path: Path) -> None:
    ways = dict(zip((trial.id for trial in plan.trials), ("xla", "stock", "xla"), strict=False))
    records = {
        trial.id: replace(finished(trial, 0.5), compiled=ways.get(trial.id, "")) for trial in plan.trials
    }  # fmt: skip
    run = write_run(tmp_path / "runs", plan, records)
    log = RunLog(run.store, next_number=2)
    for worker, size in (("w1", 3), ("w2", 5)):
        replaced = WorkerReplaced(worker=worker, private_bytes=size * 2**30, budget=2**31)
        log.append({**log_records.worker_replaced(replaced), "at": 13.0})
    log.commit()
    output = invoke("show").stdout
    assert "\ncompiled    xla 2 trials, stock 1 trial\n" in output
    what = "2 workers used more memory than allowed and were replaced; the last one, w2, used 5 GiB of 2 GiB"
    assert f"\nreplaced    {what}\n" in output
    rows = json.loads(invoke("results", "-o", "json").stdout)["leaderboard"]
    assert {row["trial"]: row["compiled"] for row in rows} == {trial.id: ways.get(trial.id) for trial in plan.trials}


@pytest.mark.usefixtures("_run")
def test_show_as_json_is_what_submit_prints(plan: Plan, tmp_path: Path) -> None:
    best = plan.trials[6]
    assert json.loads(invoke("show", "-o", "json").stdout) == {
        "run": "run-one",
        "path": str(tmp_path / "runs" / "run-one"),
        "status": "finished",
        "trials": {"total": 8, "finished": 7, "failed": 1, "remaining": 0},
        "best": {
            "trial": best.id,
            "job": "small",
            "objective": {"metric": "val_accuracy", "direction": "maximize", "value": 0.96},
            "hyperparameters": dict(best.hyperparameters),
        },
        "seconds": 12.5,
        "programs": 0,
        "compile_seconds": 0.0,
        "lost_attempts": 0,
    }


def test_ls_lists_what_can_be_read_and_what_cannot(plan: Plan, tmp_path: Path) -> None:
    trial = plan.trials[0]
    write_run(tmp_path / "runs", plan, {}, "run-empty")
    run = write_run(tmp_path / "runs", plan, {trial.id: finished(trial, 0.75)}, "run-held")
    broken = tmp_path / "runs" / "run-broken"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    lock = Lock(paths_of(run).lock)
    lock.take()
    lines = {line.split()[0]: line.split() for line in invoke("ls").stdout.splitlines()[2:]}
    lock.give_back()
    assert lines["run-empty"][1:3] == ["interrupted", "0/8"]
    assert lines["run-held"][1:5] == ["running", "1/8", "val_accuracy", "0.75000"]
    assert lines["run-broken"][1:] == ["unreadable", "(E608)"]


def test_ls_of_nothing_says_so_on_stderr() -> None:
    result = invoke("ls")
    assert result.stdout == ""
    assert result.stderr.startswith("there are no runs in ")


@pytest.mark.usefixtures("_run")
def test_fsck_names_what_is_damaged_and_sets_it_aside(tmp_path: Path) -> None:
    root = tmp_path / "runs" / "run-one"
    segment = root / "log" / "00000001.jsonl"
    assert invoke("fsck").stdout == "run-one: no file is damaged.\n"
    segment.write_bytes(segment.read_bytes().replace(b"0.9", b"0.8", 1))
    damaged, fix = invoke("fsck", code=1).stdout.splitlines()
    assert damaged == "log/00000001.jsonl: this segment of the log is damaged"
    assert "`seqjobs fsck run-one --repair`" in fix
    answer = json.loads(invoke("fsck", "run", "-o", "json", code=1).stdout)
    assert answer["damaged"][0]["kind"] == "segment of the log"
    assert "`seqjobs fsck --repair`" in invoke("show", code=4).stderr
    assert f"1 file set aside in {root}/damaged." in invoke("fsck", "--repair").stdout
    assert invoke("fsck").stdout == "run-one: no file is damaged.\n"
    assert "8: 0 finished, 0 failed, 8 left" in invoke("show").stdout


@pytest.mark.parametrize("command", ["show", "results", "logs", "fsck"])
def test_a_run_that_is_not_there_is_not_found(command: str) -> None:
    assert code_of(invoke(command, "nothing", code=5).stderr.strip()) == "E611"
    assert "seqjobs submit" in invoke(command, code=5).stderr


@pytest.mark.usefixtures("_run")
def test_logs_are_safe_to_print(plan: Plan, tmp_path: Path) -> None:
    best, other = plan.trials[6], plan.trials[2]
    folder = tmp_path / "runs" / "run-one" / "logs"
    (folder / f"{best.id}.log").write_text("Epoch 1\r\x1b[32mEpoch 2\x1b[0m\n\x07")
    (folder / f"{other.id}.log").write_text("other\n")
    first, *epochs = invoke("logs").stdout.splitlines()
    assert first.startswith(f"trial {best.id} of job small, seed 0: ")
    assert epochs[0] == "epoch 1  loss 0.9  val_accuracy 0.48"
    assert epochs[2:] == ["Epoch 1", "Epoch 2", "\\x07"]
    assert invoke("logs", "--trial", other.id[:8]).stdout.endswith("\nother\n")
    assert invoke("logs", "--trial", plan.trials[3].id).stdout.startswith(f"trial {plan.trials[3].id} ")


@pytest.mark.parametrize("columns", ["80", "40"])
def test_ls_never_cuts_an_id(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    run_id = "20261122-231500-a-name-that-is-as-long-as-a-name-of-a-run-may-be"
    write_run(tmp_path / "runs", plan, {plan.trials[0].id: finished(plan.trials[0], 0.75)}, run_id)
    monkeypatch.setenv("COLUMNS", columns)
    lines = invoke("ls").stdout.splitlines()
    assert lines[2].split()[0] == run_id
    assert len(lines) == 3
