"""seqjobs plan --data: the columns in figures, on narrow screens too, and what is suspicious."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result

from seqjobs.errors import SpecError
from tests.fixtures.command_line import invoke
from tests.fixtures.files import write_rows, write_spec
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import Watcher, do

ROWS = 200
SPEC = """
name: figures
data: {train: rows.parquet, target: late, features: {distance: standardize, town: one_hot, delay: raw, same: raw}}
model: [{Dense: {units: 1, activation: sigmoid}}]
compile: {optimizer: adam, loss: binary_crossentropy}
fit: {epochs: 1}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw = np.random.default_rng(0)
    late = draw.integers(0, 2, ROWS)
    columns = {
        "distance": draw.lognormal(6, 1, ROWS),
        "town": np.array(["Ulm", "Bonn\x1b[31m"])[draw.integers(0, 2, ROWS)],
        "delay": late * 15 + draw.uniform(0, 14, ROWS),
        "same": np.ones(ROWS),
        "when": np.datetime64("2023-12-31T23:59", "us") + draw.permutation(ROWS) * np.timedelta64(1, "D"),
        "note": pa.array([None] * ROWS, pa.string()),
        "late": late,
    }
    write_rows(tmp_path / "rows.parquet", columns)
    write_spec(tmp_path, SPEC, "spec.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def figures(*arguments: str, code: int = 0) -> Result:
    return invoke("plan", "--data", "spec.yaml", *arguments, code=code)


@pytest.mark.parametrize("width", [80, 60])
def test_each_column_has_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    assert folder.is_dir()
    monkeypatch.setenv("COLUMNS", str(width))
    text = figures().stdout
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    lines = text.splitlines()
    assert any(line.startswith("* late") and "0 to 1, mean 0." in line for line in lines)
    assert any(line.startswith("- note") and "200" in line for line in lines)
    assert any(line.startswith("- when") and "2023-12-31 to 2024-07-17" in line for line in lines)
    assert any(line.startswith("  same") and "always 1" in line for line in lines)
    flat = " ".join(text.split())
    assert "classes: " in flat
    assert "warning: column 'delay' separates the classes" in flat
    assert "warning: column 'same' has the same value in all 200 training rows" in flat


def test_as_json_it_is_part_of_the_plan(folder: Path) -> None:
    assert folder.is_dir()
    plan = json.loads(figures("-o", "json").stdout)
    (data,) = plan["data"]
    assert plan["trials"] == {"total": 1}
    assert [(column["column"], column["use"]) for column in data["columns"]][-2:] == [
        ("note", "not used"),
        ("late", "target"),
    ]
    assert sum(data["classes"].values()) == ROWS
    assert len(data["warnings"]) == 2
    assert data["error"] is None


def test_what_cannot_be_trained_on_is_an_error_behind_the_figures(folder: Path) -> None:
    table = pq.read_table(folder / "rows.parquet")
    index = table.schema.get_field_index("same")
    broken = np.ones(ROWS)
    broken[[3, 5]] = np.inf
    write_rows(folder / "rows.parquet", table.set_column(index, "same", pa.array(broken)))
    found = figures(code=2)
    assert any(line.startswith("  same") and " 2 " in line for line in found.stdout.splitlines())
    assert "E431" in found.stderr
    assert "nothing suspicious" not in found.stdout


CLASSES = """
name: classes
data: {{train: rows.parquet, target: {target}, features: [{feature}]}}
model: [{layer}, Flatten, {{Dense: {{units: {units}, activation: softmax}}}}]
compile: {{optimizer: adam, loss: {loss}}}
"""
SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"


def class_spec(
    target: str = "digit",
    feature: str = "distance",
    layer: str = "Flatten",
    units: int = 10,
    loss: str = SPARSE,
) -> str:
    return CLASSES.format(target=target, feature=feature, layer=layer, units=units, loss=loss)


@pytest.fixture
def digits(folder: Path) -> Path:
    """The rows with a `digit` from 0 to 8, none of which is 4, and `signed`, which is -1 or 1."""
    table = pq.read_table(folder / "rows.parquet")
    draw = np.random.default_rng(1)
    digit = np.array([0, 1, 2, 3, 5, 6, 7, 8])[draw.integers(0, 8, ROWS)]
    table = table.append_column("digit", pa.array(digit)).append_column("signed", pa.array(digit % 2 * 2 - 1))
    write_rows(folder / "rows.parquet", table)
    return folder


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (class_spec(units=8), "E309", "needs one output for each of the 9 classes"),
        (class_spec(units=8, loss=ONE_HOT), "E309", "needs one output for each of the 9 classes"),
        (class_spec("signed"), "E310", "takes class numbers from 0 on, and the target has numbers below 0"),
        (class_spec("signed", loss=ONE_HOT), "E310", "takes class numbers from 0 on"),
        (
            class_spec("late", feature="digit", layer="{Embedding: {input_dim: 5, output_dim: 2}}"),
            "E419",
            "the features hold 8, and the Embedding has rows for 0 to 4",
        ),
        (
            class_spec("late", feature="signed", layer="{Embedding: {input_dim: 5, output_dim: 2}}"),
            "E419",
            "the features hold -1, and the Embedding has rows for 0 to 4",
        ),
    ],
)
def test_the_rows_are_checked_as_submit_checks_them(
    digits: Path, tmp_path: Path, text: str, code: str, words: str
) -> None:
    write_spec(digits, text, "spec.yaml")
    found = figures(code=2)
    assert code in found.stderr
    assert words in found.stderr
    assert "nothing suspicious" not in found.stdout
    with pytest.raises(SpecError) as refused:
        do(plan_of(Path("spec.yaml")), tmp_path / "run")
    assert all(line in found.stderr for line in refused.value.lines)
    assert json.loads(figures("-o", "json", code=2).stdout)["data"][0]["error"] == str(refused.value)


def test_the_mistakes_of_all_datasets_are_told(digits: Path) -> None:
    write_spec(digits, class_spec(units=8), "spec.yaml")
    write_spec(digits, class_spec("signed").replace("name: classes", "name: others"), "other.yaml")
    told = figures("other.yaml", code=2).stderr
    assert [code for code in ("E309", "E310") if code not in told] == []


@pytest.mark.parametrize("loss", [SPARSE, ONE_HOT])
def test_more_outputs_than_classes_are_a_warning(digits: Path, tmp_path: Path, loss: str) -> None:
    write_spec(digits, class_spec(loss=loss), "spec.yaml")
    warning = "the model has 10 outputs, but no training row has classes 4, 9"
    assert f"warning: {warning}" in " ".join(figures().stdout.split())
    watcher = Watcher()
    do(plan_of(Path("spec.yaml")), tmp_path / "run", watcher=watcher)
    assert f"warning: {warning}" in watcher.calls


def test_strings_name_all_classes(digits: Path) -> None:
    write_spec(digits, class_spec(target="town", units=3), "spec.yaml")
    assert "E309" in figures(code=2).stderr


def test_rows_that_a_validation_split_shares_with_training_rows(digits: Path) -> None:
    table = pq.read_table(digits / "rows.parquet")
    write_rows(digits / "rows.parquet", pa.concat_tables([table.slice(0, 180), table.slice(100, 20)]))
    warning = "20 of 20 rows that fit.validation_split 0.1 holds back have the features of a training row"
    for split, expected in (("0.1", True), ("0.0", False)):
        write_spec(digits, f"{class_spec()}fit: {{validation_split: {split}}}\n", "spec.yaml")
        assert (warning in " ".join(figures().stdout.split())) is expected


@pytest.mark.parametrize(
    ("gpus", "device", "expected"), [("1", "", True), ("auto", "", False), ("2", "nvidia0", False)]
)
def test_gpus_that_this_machine_does_not_have_are_noted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, gpus: str, device: str, expected: bool
) -> None:
    monkeypatch.setattr("seqjobs.preview.GPU_DEVICES", (str(folder / "nvidia[0-9]*"),))
    if device:
        (folder / device).touch()
    write_spec(folder, f"{SPEC}resources: {{gpus: {gpus}}}\n", "spec.yaml")
    note = "job 'figures' asks for 1 GPU per worker, and this machine has no NVIDIA GPU"
    assert (f"note: {note}" in " ".join(figures().stdout.split())) is expected
    assert any(line.startswith(note) for line in json.loads(figures("-o", "json").stdout)["notes"]) is expected


@pytest.mark.parametrize(
    ("operation", "flags"),
    # Without --data only those rows are read that tell how wide a column becomes.
    [("one_hot", []), ("one_hot", ["--data"]), ("index", ["--data"])],
)
def test_a_column_that_identifies_rows_is_no_category(folder: Path, operation: str, flags: list[str]) -> None:
    rows = "".join(f"{row},{row % 2}\n" for row in range(10_001))
    (folder / "ids.csv").write_text("id,late\n" + rows)
    text = SPEC.replace("rows.parquet", "ids.csv").replace(
        "{distance: standardize, town: one_hot, delay: raw, same: raw}", f"{{id: {operation}}}"
    )
    write_spec(folder, text, "spec.yaml")
    words = " ".join(invoke("plan", *flags, "spec.yaml", code=2).stderr.split())
    assert f"data.features.id: {operation}: the first 10,001 training rows have 10,001 distinct values" in words
    assert "Fix: set `max` to the number of values to keep, use `hash`, or leave the column out" in words
