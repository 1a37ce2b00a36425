"""What the types of columns show to be wrong is told before rows are read: all at once, at its place in the spec."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from seqjobs.errors import SpecError
from seqjobs.planning.expansion import TrialTable
from tests.fixtures.command_line import invoke
from tests.fixtures.files import write_rows, write_spec
from tests.fixtures.plans import plan_of_texts, table_of_texts
from tests.fixtures.runs import do

TAIL = """
model: [{Dense: {units: 1}}]
compile: {optimizer: adam, loss: mse}
fit: {epochs: 1}
objective: {metric: loss, direction: minimize}
"""
SPEC = f"""name: wrong
data:
  train: rows.parquet
  features:
    town: {{impute: most_frequent}}
    note: {{tokens: 4, standardize: null}}
    size: [log1p, {{date_parts: [hour]}}]
    when: standardize
    pair: [{{shape: [3]}}]
    name: raw
  target: picture
  sample_weight: town2
{TAIL}"""
EXPECTED = """\
5:12 data.features.town.impute: after impute the column is str, and features are numbers [E403]
7:20 data.features.size.1.date_parts: date_parts: it takes times, but is given float32 [E403]
8:11 data.features.when: standardize: it takes numbers, but is given timestamp[us] [E403]
9:20 data.features.pair.0.shape: shape [3] holds 3 numbers, column 'pair' has 2 [E416]
10:5 data.features.name: in rows.parquet, column 'name' holds strings [E403]
11:11 data.target: in rows.parquet, column 'picture' holds no numbers: its type is 'binary' [E403]
12:18 data.sample_weight: in rows.parquet, column 'town2' is str, and a row's weight is one number [E403]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    columns = {
        "town": ["Ulm", "Bonn"],
        "town2": ["Ulm", "Bonn"],
        "note": ["a b", "c"],
        "size": [1.0, 2.0],
        "when": [datetime(2024, 1, 1)] * 2,
        "pair": pa.array([[1, 2]] * 2, pa.list_(pa.int8(), 2)),
        "name": ["x", "y"],
        "picture": [b"1", b"2"],
        "label": [0.5, 1.5],
    }
    write_rows(tmp_path / "rows.parquet", columns)
    return tmp_path


def short(lines: tuple[str, ...] | list[str], folder: Path) -> str:
    """Return the lines without the name of the file and the fixes."""
    told = [line.replace(f"{folder / 'job.yaml'}:", "") for line in lines]
    return "".join(f"{line.split('. Fix: ')[0]} [{line.rpartition('[')[2]}\n" for line in told)


def submitted(table: TrialTable, root: Path) -> SpecError:
    with pytest.raises(SpecError) as caught:
        do(table, root)
    assert not (root / "run.json").exists()
    return caught.value


def test_plan_and_submit_tell_the_same_mistakes_all_at_once(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        plan_of_texts(folder, SPEC)
    assert short(caught.value.lines, folder) == EXPECTED
    assert submitted(table_of_texts(folder, SPEC), tmp_path / "run").lines == caught.value.lines
    printed = invoke("plan", "--data", str(write_spec(folder, SPEC)), code=2).stderr.splitlines()
    assert short(printed[:-1], folder) == EXPECTED
    assert printed[-1].startswith("7 problems in ")


def test_mistakes_of_several_jobs_and_datasets_are_told_together(folder: Path, tmp_path: Path) -> None:
    first = f"name: first\ndata: {{train: rows.parquet, features: {{when: log1p}}, target: label}}\n{TAIL}"
    second = first.replace("first", "second").replace("log1p", "{one_hot: {max: {choice: [2, 3]}}}")
    table = table_of_texts(folder, first, second, first.replace("first", "third"))
    assert short(submitted(table, tmp_path / "run").lines, folder) == (
        "2:46 data.features.when: log1p: it takes numbers, but is given timestamp[us] [E403]\n"
        "2:47 data.features.when.one_hot: one_hot: it takes single strings or numbers, but is given timestamp[us], "
        "with data.features.when.one_hot.max=2 [E403]\n"
    )


@pytest.mark.parametrize(
    ("features", "place"),
    [
        ("features: [size, name]", "2:46 data.features.1"),
        ("features: {size: log1p}, others: raw", "2:54 data.others"),
        ("memory: 4MiB", "2:1 data"),
        ("features: {name: {choice: [raw, {impute: {constant: x}}]}}", "2:62 data.features.name.choice.1.impute"),
    ],
)
def test_columns_are_named_where_the_spec_names_them(folder: Path, features: str, place: str) -> None:
    text = f"name: one\ndata: {{train: rows.parquet, {features}, target: label}}\n{TAIL}search: {{sampler: grid}}\n"
    with pytest.raises(SpecError) as caught:
        plan_of_texts(folder, text)
    assert place in [line.split(": ")[0] for line in short(caught.value.lines, folder).splitlines()]
