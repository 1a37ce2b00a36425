"""predict_rows and evaluate_rows: the numbers of Keras on the same rows, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.data.new_rows import NewBatch
from seqjobs.data.tally import Tally
from seqjobs.errors import DataError, StorageError
from seqjobs.evaluate import evaluate_rows
from seqjobs.execution.new_rows_call import Predicted
from seqjobs.predict import predict_rows
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.outcome import PackRunner
from tests.conftest import JOBS
from tests.fixtures.files import write_rows
from tests.fixtures.finished_run import Finished

HEAD = """
name: one
data:
  train: {train}
  validation: {validation}
  features: {features}
  target: {target}
{more}
model: {model}
compile: {{optimizer: sgd, loss: {loss}, metrics: [{metric}], weighted_metrics: [{metric}]}}
fit: {{epochs: 1, batch_size: {batch_size}}}
objective: {{metric: val_loss, direction: minimize}}
"""
POINTS = {"train": "train.parquet", "validation": "test.parquet", "more": "", "batch_size": 64, "metric": "mae"}
OPERATIONS = "{x0: standardize, word: {one_hot: {unseen: error}}, kind: {clip: {high: 2}}, x1: raw}"
CASES: dict[str, tuple[str, Path | None]] = {
    "digits": (
        HEAD.format(
            train="digits/train.parquet",
            validation="digits/test.parquet",
            features="{image: {rescale: 0.0625, shape: [8, 8, 1]}}",
            target="label",
            more="",
            model="[Flatten, {Dense: {units: 10, activation: softmax}}]",
            loss="sparse_categorical_crossentropy",
            metric="accuracy",
            batch_size=500,
        ),
        JOBS / "data",
    ),
    "flights": (
        HEAD.format(
            train="flights_20k/test",
            validation="flights_20k/test",
            features="{distance: standardize, month: one_hot, dep_delay: [standardize, {rescale: 0.5}], hour: raw}",
            target="late",
            more="",
            model="[{Dense: {units: 1, activation: sigmoid}}]",
            loss="binary_crossentropy",
            metric="accuracy",
            batch_size=2048,
        ),
        JOBS / "data",
    ),
    "words": (
        HEAD.format(
            **{**POINTS, "metric": "accuracy", "more": "  sample_weight: x5"},
            features="[x0, x1, x2]",
            target="word",
            model="[{Dense: {units: 4}}]",
            loss="{CategoricalCrossentropy: {from_logits: true}}",
        ),
        None,
    ),
    "numbers": (
        HEAD.format(**POINTS, features=OPERATIONS, target="score", model="[{Dense: {units: 1}}]", loss="mse"),
        None,
    ),
}

Finish = Callable[[str], Finished]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, points: Path) -> Path:
    """The points, with `x5` from 0 on, as a weight is."""
    folder = tmp_path_factory.mktemp("rows")
    for name in ("train", "test"):
        table = pq.read_table(points / f"{name}.parquet")
        weights = pa.array(np.abs(table["x5"].to_numpy()))
        write_rows(folder / f"{name}.parquet", table.set_column(table.schema.get_field_index("x5"), "x5", weights))
    return folder


@pytest.fixture(scope="module")
def finish(runner: PackRunner, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Finish:
    """Trains a case, once."""
    held: dict[str, Finished] = {}

    def of(case: str) -> Finished:
        if case not in held:
            text, folder = CASES[case]
            held[case] = Finished.of(text, folder or rows, tmp_path_factory.mktemp(case) / "run", runner)
        return held[case]

    return of


def data_of(case: str, rows: Path) -> str:
    found = {"digits": JOBS / "data/digits/test.parquet", "flights": JOBS / "data/flights_20k/test"}
    return str(found.get(case, rows / "test.parquet"))


def predicted(done: Finished, data: str | Path, out: Path, *keep: str) -> pa.Table:
    predict_rows(done.run, done.trial, [str(data)], out, done.start, keep=keep)
    return pq.read_table(out) if out.suffix == ".parquet" else pacsv.read_csv(out)


@pytest.mark.parametrize("case", CASES)
def test_predictions_are_those_of_the_exported_model(case: str, finish: Finish, rows: Path, tmp_path: Path) -> None:
    done = finish(case)
    found = predicted(done, data_of(case, rows), tmp_path / "out.parquet")
    outputs = done.model.predict(done.validation.ready(slice(None))[0], verbose=0)
    assert len(outputs) == found.num_rows
    if case == "words":
        outputs = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
        words = np.array(["high", "low", "mid", "top"])
        assert found["prediction"].to_pylist() == words[outputs.argmax(axis=1)].tolist()
        assert found.column_names[1:] == [f"probability_{word}" for word in words]
    elif case == "digits":
        assert found["prediction"].to_pylist() == outputs.argmax(axis=1).tolist()
        assert found.column_names[1:] == [f"probability_{digit}" for digit in range(10)]
    elif case == "flights":
        assert found["prediction"].to_pylist() == (outputs[:, 0] > 0.5).astype(int).tolist()
        assert found.column_names == ["prediction", "probability"]
    else:
        assert found.column_names == ["prediction"]
    numbers = [name for name in found.column_names if name != "prediction" or case == "numbers"]
    assert np.abs(np.stack([found[name].to_numpy() for name in numbers], axis=1) - outputs).max() <= 1e-6


@pytest.mark.parametrize("case", CASES)
def test_an_evaluation_is_keras_s_own_and_that_of_the_run(case: str, finish: Finish, rows: Path) -> None:
    done = finish(case)
    found = evaluate_rows(done.run, done.trial, [data_of(case, rows)], done.start)
    features, target, *weights = done.validation.ready(slice(None))
    weight = weights[0] if weights else None
    own = done.model.evaluate(features, target, sample_weight=weight, batch_size=64, verbose=0, return_dict=True)
    assert found == pytest.approx(own, rel=1e-6)
    history = done.run.records[done.trial.id].history
    assert found == pytest.approx({name: history[f"val_{name}"][-1] for name in own}, rel=1e-6)


def test_rows_may_come_as_text_in_files_and_without_the_target(finish: Finish, rows: Path, tmp_path: Path) -> None:
    done = finish("numbers")
    table = pq.read_table(rows / "test.parquet").drop_columns(["score"])
    expected = predicted(done, data_of("numbers", rows), tmp_path / "all.parquet")
    (tmp_path / "parts").mkdir()
    for index, start in enumerate((0, 20)):
        pacsv.write_csv(table.slice(start, 20 if start == 0 else None), tmp_path / f"parts/{index}.csv")
    found = predicted(done, tmp_path / "parts", tmp_path / "out.csv", "word", "x3")
    assert found.column_names == ["word", "x3", "prediction"]
    assert found["word"].to_pylist() == table["word"].to_pylist()
    assert np.abs(found["prediction"].to_numpy() - expected["prediction"].to_numpy()).max() <= 1e-6


def test_bytes_may_come_as_wider_integers_and_not_beyond_them(finish: Finish, tmp_path: Path) -> None:
    done = finish("digits")
    table = pq.read_table(JOBS / "data/digits/test.parquet").slice(0, 5)
    wide = table["image"].combine_chunks().flatten().to_numpy().reshape(5, 64).astype(np.int64)
    expected = predicted(done, JOBS / "data/digits/test.parquet", tmp_path / "all.parquet").slice(0, 5)
    write_rows(tmp_path / "wide.parquet", {"image": list(wide)})
    assert predicted(done, tmp_path / "wide.parquet", tmp_path / "out.parquet").equals(expected)
    wide[3, 7] = 256
    write_rows(tmp_path / "wider.parquet", {"image": list(wide)})
    with pytest.raises(DataError, match=r"wider.parquet: column 'image' has numbers outside of 0 to 255.*\[E424\]"):
        predicted(done, tmp_path / "wider.parquet", tmp_path / "none.parquet")
    assert not (tmp_path / "none.parquet").exists()


def with_column(rows: Path, path: Path, name: str, values: list[Any] | pa.Array) -> Path:
    table = pq.read_table(rows / "test.parquet")
    write_rows(path, table.set_column(table.schema.get_field_index(name), name, pa.array(values)))
    return path


WRONG = {
    "missing": ("x0", None, r"bad.parquet: there is no column 'x0', which the model needs.*\[E402\]"),
    "null": (
        "x1",
        lambda values: [None, *values[1:-1], None],
        r"values are null in column 'x1' \(2 of 50 rows\); the first in row 0.*\[E408\]",
    ),
    "unseen": (
        "word",
        lambda values: [*values[:-1], "new"],
        r"that no training row has in column 'word' \(1 of 50 rows\); the first in row 49.*\[E407\]",
    ),
    "type": (
        "x1",
        lambda values: list(map(str, values)),
        r"column 'x1' is str, and the model was trained on float32.*\[E420\]",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_that_are_wrong_are_told_and_leave_no_file(
    wrong: str, suffix: str, finish: Finish, rows: Path, tmp_path: Path
) -> None:
    done, (name, change, message) = finish("numbers"), WRONG[wrong]
    path = tmp_path / "bad.parquet"
    if change is None:
        write_rows(path, pq.read_table(rows / "test.parquet").drop_columns([name]))
    else:
        with_column(rows, path, name, change(pq.read_table(rows / "test.parquet")[name].to_pylist()))
    with pytest.raises(DataError, match=message):
        predicted(done, path, tmp_path / f"out.{suffix}")
    assert [found.name for found in tmp_path.iterdir()] == ["bad.parquet"]
    with pytest.raises(DataError, match=message):
        evaluate_rows(done.run, done.trial, [str(path)], done.start)


def test_what_cannot_be_kept(finish: Finish, rows: Path, tmp_path: Path) -> None:
    done = finish("numbers")
    with pytest.raises(DataError, match=r"no column 'wrod'.*word.*\[E402\]"):
        predicted(done, rows / "test.parquet", tmp_path / "out.csv", "wrod")
    path = tmp_path / "named.parquet"
    table = pq.read_table(rows / "test.parquet")
    table = table.append_column("prediction", table["x3"]).append_column("list", pa.array([[1.0]] * 50))
    write_rows(path, table)
    with pytest.raises(DataError, match=r"--keep: column 'prediction' cannot be kept.*\[E402\]"):
        predicted(done, path, tmp_path / "out.csv", "prediction")
    with pytest.raises(DataError, match=r"column 'list' is 'list<.*which a cell of CSV cannot hold.*\[E423\]"):
        predicted(done, path, tmp_path / "out.csv", "list")
    assert predicted(done, path, tmp_path / "out.parquet", "list")["list"].to_pylist() == [[1.0]] * 50


def test_cells_that_a_spreadsheet_would_run_are_quoted(finish: Finish, rows: Path, tmp_path: Path) -> None:
    done, cells = finish("words"), ["=1+1", "@x", "-3", "+4", "a=b", None, "", "\tx"]
    table = pq.read_table(rows / "test.parquet").slice(0, len(cells)).append_column("=note", pa.array(cells))
    write_rows(tmp_path / "in.parquet", table)
    predict_rows(done.run, done.trial, [str(tmp_path / "in.parquet")], tmp_path / "out.csv", done.start, keep=["=note"])
    read = pacsv.read_csv(
        tmp_path / "out.csv",
        convert_options=pacsv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False),
    )
    assert read.column_names[0] == "'=note"
    assert read.column(0).to_pylist() == ["'=1+1", "'@x", "'-3", "'+4", "a=b", None, "", "'\tx"]


class Interrupted:
    """Takes a batch, and is interrupted."""

    def __enter__(self) -> Interrupted:
        return self

    def __exit__(self, *_: object) -> None: ...

    def predict(self, model: FinishedModel, batches: Iterable[NewBatch]) -> Iterator[Predicted]:  # noqa: ARG002
        for batch in batches:
            yield Predicted(outputs=np.zeros((batch.rows.num_rows, 1), np.float32), wrong=Tally())
            raise KeyboardInterrupt

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:  # noqa: ARG002
        raise KeyboardInterrupt

    def evaluate(self, model: FinishedModel, rows: LabelledRows) -> Mapping[str, float]:  # noqa: ARG002
        raise KeyboardInterrupt


def test_what_is_interrupted_leaves_the_file_as_it_was(finish: Finish, rows: Path, tmp_path: Path) -> None:
    done, out = finish("numbers"), tmp_path / "out.parquet"
    out.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        predict_rows(done.run, done.trial, [data_of("numbers", rows)], out, lambda _: Interrupted())
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("out.parquet", b"before")]


def test_a_disk_that_is_full_leaves_no_file(
    finish: Finish, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = finish("numbers")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"out.csv: the predictions cannot be written: No space left.*\[E606\]"):
        predicted(done, data_of("numbers", rows), tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_targets_that_are_wrong(finish: Finish, rows: Path, tmp_path: Path) -> None:
    done = finish("words")
    words = pq.read_table(rows / "test.parquet")["word"].to_pylist()
    for values, message in (
        ([*words[:-1], "new"], r"classes that no training row has: 'new'.*\[E407\]"),
        ([None, *words[1:]], r"null in column 'word' \(1 of 50 rows\).*\[E408\]"),
        (list(range(50)), r"target 'word' is int64, and the model was trained on strings.*\[E420\]"),
    ):
        path = with_column(rows, tmp_path / "bad.parquet", "word", values)
        with pytest.raises(DataError, match=message):
            evaluate_rows(done.run, done.trial, [str(path)], done.start)


def test_paths_are_those_of_a_spec(finish: Finish, tmp_path: Path) -> None:
    done = finish("numbers")
    for path, message in (
        ("https://host/rows.csv", r"only local files.*\[E401\]"),
        ("s3://user@host/rows.csv", "E709"),
        ("none.csv", r"there is no file or folder 'none.csv'.*\[E401\]"),
    ):
        with pytest.raises(DataError, match=message):
            predicted(done, path, tmp_path / "out.csv")
