"""`seqjobs gc`: which runs it removes, what it leaves, and what it prints."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seqjobs.planning.plan import Plan
from seqjobs.store.lock import Lock
from tests.fixtures.command_line import invoke
from tests.fixtures.files import write_rows

from .written_runs import finished, grid_plan, write_run

MIB = 1 << 20
# Name -> the age in days and the size in MiB of a finished run.
RUNS = {"newest": (1, 1), "large": (10, 9), "month": (29, 3), "older": (31, 4), "oldest": (90, 8)}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs."""
    folder = tmp_path_factory.mktemp("written")
    plan = make_plan(folder)
    for name, (days, mib) in RUNS.items():
        write(folder / "runs", plan, name, days, mib)
    return folder / "runs"


def make_plan(folder: Path) -> Plan:
    write_rows(folder / "rows.parquet", {"a": [0.5, 1.5] * 50, "b": [1.0, 2.0] * 50, "label": [0, 1] * 50})
    return grid_plan(folder)


def write(folder: Path, plan: Plan, name: str, days: float, mib: int = 1, *, trials: int | None = None) -> Path:
    """Write a run, of which the first `trials` have finished."""
    records = {trial.id: finished(trial, 0.5) for trial in plan.trials[:trials]}
    created = datetime.now(UTC) - timedelta(days=days)
    run = write_run(folder, plan, records, name, created=created.isoformat(timespec="seconds"))
    with (run.path / "histories.parquet").open("wb") as file:
        file.truncate(mib * MIB)
    return run.path


@pytest.fixture
def runs(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the runs, in the current folder."""
    shutil.copytree(written, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    for name in ("SEQJOBS_RUNS_DIR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "runs"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return make_plan(tmp_path)


def collect(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(invoke("gc", *arguments, "-o", "json").stdout)
    return found


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def reasons(found: dict[str, Any]) -> dict[str, str]:
    return {run["run"]: run["reason"] for run in found["left"]}


@pytest.mark.parametrize(
    ("conditions", "removed"),
    [
        (["--keep-last", "2"], ["month", "older", "oldest"]),
        (["--keep-last", "0"], ["newest", "large", "month", "older", "oldest"]),
        (["--keep-last", "9"], []),
        (["--older-than", "30d"], ["older", "oldest"]),
        (["--older-than", "36h"], ["large", "month", "older", "oldest"]),
        (["--older-than", "90.5d"], []),
        (["--larger-than", "5MiB"], ["large", "oldest"]),
        (["--larger-than", "3MiB"], ["large", "month", "older", "oldest"]),  # a run has other files, too
        (["--larger-than", "1GiB"], []),
        (["--keep-last", "2", "--older-than", "30d"], ["older", "oldest"]),
        (["--keep-last", "4", "--older-than", "30d"], ["oldest"]),
        (["--older-than", "30d", "--larger-than", "5MiB"], ["oldest"]),
        (["--keep-last", "2", "--older-than", "30d", "--larger-than", "9MiB"], []),
    ],
)
def test_a_run_that_meets_all_conditions_is_removed(runs: Path, conditions: list[str], removed: list[str]) -> None:
    planned = collect(*conditions, "--dry-run")
    assert planned.pop("dry_run") is True
    assert names(runs) == set(RUNS)
    found = collect(*conditions)
    assert found.pop("dry_run") is False
    assert found == planned
    assert [run["run"] for run in found["removed"]] == removed
    assert found["left"] == []
    assert found["bytes"] == sum(run["bytes"] for run in found["removed"])
    assert names(runs) == set(RUNS) - set(removed)


@pytest.mark.usefixtures("runs")
def test_a_table_shows_what_is_removed_and_the_total() -> None:
    created = [run["created"][:16].split("T") for run in collect("--older-than", "30d", "--dry-run")["removed"]]
    planned = [line.split() for line in invoke("gc", "--older-than", "30d", "--dry-run").stdout.splitlines()]
    assert planned[0] == ["run", "result", "size", "created", "(UTC)"]
    assert planned[2:] == [
        ["older", "would", "be", "removed", "4", "MiB", *created[0]],
        ["oldest", "would", "be", "removed", "8", "MiB", *created[1]],
        ["would", "remove", "2", "runs,", "12", "MiB"],
    ]
    done = [line.split() for line in invoke("gc", "--older-than", "30d").stdout.splitlines()]
    assert done[2:] == [
        ["older", "removed", "4", "MiB", *created[0]],
        ["oldest", "removed", "8", "MiB", *created[1]],
        ["removed", "2", "runs,", "12", "MiB"],
    ]
    assert invoke("gc", "--older-than", "30d").stdout == "removed 0 runs, 0 B\n"


def test_unfinished_runs_are_left_unless_they_are_asked_for(runs: Path, plan: Plan) -> None:
    write(runs, plan, "night", 40, trials=3)
    result = invoke("gc", "--older-than", "30d")
    assert "left: unfinished" in next(line for line in result.stdout.splitlines() if line.startswith("night"))
    assert "removed 2 runs" in result.stdout
    assert result.stderr == "left 1 unfinished run; --unfinished removes them too.\n"
    assert reasons(collect("--older-than", "30d")) == {"night": "unfinished"}
    assert "night" in names(runs)
    found = collect("--older-than", "30d", "--unfinished")
    assert ([run["run"] for run in found["removed"]], found["left"]) == (["night"], [])
    assert "night" not in names(runs)


def test_what_is_not_to_be_removed_is_left_with_the_reason(runs: Path, tmp_path: Path) -> None:
    (runs / "newest" / "notes.txt").touch()
    (runs / "large").rename(tmp_path / "large")
    (runs / "large").symlink_to(tmp_path / "large")
    segment = runs / "month" / "log" / "00000001.jsonl"
    segment.write_bytes(segment.read_bytes()[:-9])
    (runs / "older" / "run.json").write_text("{")
    lock = Lock(runs / "oldest" / "lock")
    lock.take()
    found = collect("--keep-last", "0", "--unfinished")
    lock.give_back()
    assert found["removed"] == []
    assert reasons(found) == {
        "newest": "other files",
        "large": "other files",
        "month": "unreadable",
        "older": "unreadable",
        "oldest": "in use",
    }
    assert names(runs) == set(RUNS)
    assert names(tmp_path / "large") >= {"run.json", "log"}


def test_runs_in_use_count_among_the_newest(runs: Path, plan: Plan) -> None:
    write(runs, plan, "running", 0, trials=1)
    lock = Lock(runs / "running" / "lock")
    lock.take()
    found = collect("--keep-last", "2")
    lock.give_back()
    assert [run["run"] for run in found["removed"]] == ["large", "month", "older", "oldest"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "gc needs a condition: --keep-last N, --older-than AGE or --larger-than SIZE."),
        (["--unfinished", "--dry-run"], "gc needs a condition"),
        (["--keep-last", "-1"], "-1 is not in the range x>=0"),
        (["--older-than", "30"], "'--older-than': '30': a time is a positive number with a unit: write 45s, 30m, 8h"),
        (["--older-than", "0d"], "a time is a positive number with a unit"),
        (["--older-than", "1month"], "a time is a positive number with a unit"),
        (["--larger-than", "10"], "a size is a positive number with a unit: write 4GiB"),
        (["--larger-than", "10 gigs"], "a size is a positive number with a unit"),
        (["--larger-than", "1kB"], "a size is between 1MiB and 1024TiB"),
        (["--keep-last", "1", "some-run"], "unexpected extra argument"),
    ],
)
def test_a_mistake_in_the_conditions_removes_nothing(runs: Path, arguments: list[str], message: str) -> None:
    result = invoke("gc", *arguments, code=2)
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert names(runs) == set(RUNS)


def test_a_folder_without_runs_has_nothing_to_remove(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert invoke("gc", "--keep-last", "0", "--runs-dir", missing).stdout == "removed 0 runs, 0 B\n"
    assert not (tmp_path / "missing").exists()


def test_what_killed_removals_left_is_deleted_but_not_by_a_dry_run(runs: Path) -> None:
    (runs / "oldest").rename(runs / ".removed-12-0123abcd")
    assert [run["run"] for run in collect("--older-than", "30d", "--dry-run")["removed"]] == ["older"]
    assert ".removed-12-0123abcd" in names(runs)
    collect("--keep-last", "9")
    assert names(runs) == {"newest", "large", "month", "older"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root enters every folder")
@pytest.mark.parametrize("command", [("ls",), ("gc", "--keep-last", "9"), ("rm", "newest")])
def test_a_folder_that_may_not_be_entered_is_left_out(runs: Path, command: tuple[str, ...]) -> None:
    theirs = runs / "theirs"
    theirs.mkdir(mode=0)
    try:
        invoke(*command)
    finally:
        theirs.chmod(0o700)
    assert theirs.is_dir()
