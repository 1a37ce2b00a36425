"""The derived files: documented schemas, exact numbers, and no formula for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqjobs.results.leaderboard import rank
from seqjobs.results.manifest import Manifest, StoredJob
from seqjobs.results.record import TrialRecord
from seqjobs.results.tables import TRIALS_SCHEMA, csv_cell, history_table, leaderboard_csv, trial_table, write_tables
from seqjobs.training.outcome import Cause, Failure, History
from tests.fixtures.run_paths import RunPaths

from .test_leaderboard import LEAST, record, trial


def manifest(count: int) -> Manifest:
    job = StoredJob(name="a", path="/a.yaml", text="", overrides=(), objective=LEAST, keep_best=1)
    trials = tuple(trial(number) for number in range(count))
    return Manifest(id="r", created="now", versions={}, jobs=(job,), trials=trials, datasets=())


def written(tmp_path: Path, records: dict[str, TrialRecord], count: int = 3) -> RunPaths:
    paths, stored = RunPaths(root=tmp_path), manifest(count)
    write_tables(paths.store, (rank(stored.trials, records, LEAST),), stored, records)
    return paths


def with_history(number: int, history: History) -> TrialRecord:
    return replace(record(trial(number), 0.5), history=history, weights="f" * 64)


@pytest.mark.parametrize("finished", [0, 1, 3])
def test_the_files_have_the_documented_schemas_whatever_has_ended(tmp_path: Path, finished: int) -> None:
    records = {f"a{number}.0": record(trial(number), 0.5) for number in range(finished)}
    paths = written(tmp_path, records)
    metrics = [("loss", pa.float64()), ("val_loss", pa.float64())] if finished else []
    schema = pa.schema(
        [*TRIALS_SCHEMA, *map(pa.field, *zip(*reversed(metrics), strict=True))] if metrics else TRIALS_SCHEMA
    )
    assert pq.read_schema(paths.trials).equals(schema)
    assert pq.read_schema(paths.histories).equals(pa.schema([("trial", pa.string()), ("epoch", pa.int64()), *metrics]))
    assert pq.read_table(paths.trials).num_rows == finished
    assert len(paths.leaderboard.read_text().splitlines()) == finished + 1


def test_histories_of_different_metrics_and_lengths_stand_side_by_side() -> None:
    records = {
        "a0.0": with_history(0, {"loss": (0.1 + 0.2, math.nan), "val_loss": (math.inf,)}),
        "a1.0": with_history(1, {"mae": (5e-324,)}),
        "a2.0": with_history(2, {}),
    }
    table = history_table(manifest(4).trials, records)
    assert table.column_names == ["trial", "epoch", "loss", "val_loss", "mae"]
    assert table["trial"].to_pylist() == ["a0.0", "a0.0", "a1.0"]
    assert table["epoch"].to_pylist() == [0, 1, 0]
    assert repr(table["loss"].to_pylist()) == repr([0.1 + 0.2, math.nan, None])
    assert table["val_loss"].to_pylist() == [math.inf, None, None]
    assert table["mae"].to_pylist() == [None, None, 5e-324]
    assert table["loss"].null_count == 1  # NaN is a number that is none, not a number that is missing


def test_every_metric_is_a_column_and_one_with_the_name_of_another_column_is_renamed() -> None:
    records = {"a0.0": with_history(0, {"loss": (0.5,), "rank": (2.0,), "val_loss": (0.25,)})}
    board = rank(manifest(1).trials, records, LEAST)
    table = trial_table((board,), records, {"a": 1})
    assert table.column_names[len(TRIALS_SCHEMA) :] == ["val_loss", "loss", "metric_rank"]
    assert table["metric_rank"].to_pylist() == [2.0]
    (row,) = csv.DictReader(io.StringIO(leaderboard_csv([board])))
    assert (row["rank"], row["val_loss"], row["loss"], row["metric_rank"]) == ("1", "0.25", "0.5", "2.0")


def test_weights_are_named_where_they_are_kept_and_only_there() -> None:
    records = {"a0.0": with_history(0, {}), "a1.0": with_history(1, {})}
    stored = manifest(2)
    found = trial_table((rank(stored.trials, records, LEAST),), records, {"a": 1})
    assert found["weights"].to_pylist() == ["f" * 64, None]
    assert json.loads(found["hyperparameters"][1].as_py()) == {"units": 1}


def test_how_a_trial_was_compiled_is_a_column_and_null_where_it_is_not_known() -> None:
    records = {"a0.0": replace(with_history(0, {}), compiled="xla"), "a1.0": with_history(1, {})}
    found = trial_table((rank(manifest(2).trials, records, LEAST),), records, {"a": 1})
    assert found["compiled"].to_pylist() == ["xla", None]


def test_an_unchanged_table_is_not_written_again_and_a_damaged_one_is(tmp_path: Path) -> None:
    records = {"a0.0": record(trial(0), 0.5)}
    paths = written(tmp_path, records)
    files = (paths.leaderboard, paths.trials, paths.histories)
    before, contents = [file.stat().st_ino for file in files], [file.read_bytes() for file in files]
    written(tmp_path, records)
    assert [file.stat().st_ino for file in files] == before
    paths.trials.write_bytes(b"damaged")
    paths.leaderboard.unlink()
    written(tmp_path, records)
    assert [file.read_bytes() for file in files] == contents


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_text_that_begins_like_a_formula_is_quoted(start: str) -> None:
    assert csv_cell(f"{start}cmd") == f"'{start}cmd"


@pytest.mark.parametrize("value", [-1, -0.5, None, True, "a=b", "", "plain"])
def test_other_cells_are_left_as_they_are(value: Any) -> None:
    assert csv_cell(value) is value or csv_cell(value) == value


def test_a_csv_survives_whatever_a_trial_says() -> None:
    message = 'a "quoted",\nmulti-line; \ud800 \x00 message'
    failed = replace(record(trial(0), None, failed=True), failure=Failure(cause=Cause.CRASH, message=message))
    stored = replace(trial(1), hyperparameters={"=key": "=1+1", "list": [1, 2]})
    records = {"a0.0": failed, "a1.0": record(stored, -0.5)}
    board = rank([trial(0), stored], records, LEAST)
    text = leaderboard_csv([board])
    best, last = csv.DictReader(io.StringIO(text.encode().decode(), newline=""))
    assert (best["value"], best["'=key"], best["list"]) == ("-0.5", "'=1+1", "[1, 2]")
    assert last["failure"] == f"crash: {message}".replace("\ud800", "?")
    assert trial_table([board], records, {"a": 1})["failure"].to_pylist()[1] == last["failure"]


def test_csv_numbers_are_exact() -> None:
    records = {"a0.0": record(trial(0), 0.1 + 0.2)}
    (row,) = csv.DictReader(io.StringIO(leaderboard_csv([rank([trial(0)], records, LEAST)])))
    assert float(row["value"]) == float(row["mean"]) == 0.1 + 0.2
