"""seqjobs plan --data: the columns in figures, on narrow screens too, and what is suspicious."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from seqjobs.cli.main import cli

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
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    (tmp_path / "spec.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["plan", "--data", "spec.yaml", *arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("width", [80, 60])
def test_each_column_has_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    assert folder.is_dir()
    monkeypatch.setenv("COLUMNS", str(width))
    text = invoke().stdout
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
    assert "warning: column 'same' is the same in all 200 training rows" in flat


def test_as_json_it_is_part_of_the_plan(folder: Path) -> None:
    assert folder.is_dir()
    plan = json.loads(invoke("-o", "json").stdout)
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
    pq.write_table(table.set_column(index, "same", pa.array(broken)), folder / "rows.parquet")
    found = invoke(code=2)
    assert any(line.startswith("  same") and " 2 " in line for line in found.stdout.splitlines())
    assert "E431" in found.stderr
    assert "nothing suspicious" not in found.stdout
