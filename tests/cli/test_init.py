"""seqjobs init: where the spec goes, and that other commands take it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.fixtures.command_line import invoke

ROWS = "x;town,label\n" + "".join(f"{row % 7 / 2},t{row % 3},{row * row % 5 % 2}\n" for row in range(60))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text(ROWS.replace("x;town", '"x: #1",town'))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_file_the_spec_is_what_is_printed(folder: Path) -> None:
    text = invoke("init", "data/rows.csv", "--target", "label").stdout
    assert "\n  train: data/rows.csv\n" in text
    (folder / "made.yaml").write_text(text)
    assert invoke("validate", "made.yaml").stdout == "ok made.yaml: rows-label, 8 trials\n"


def test_paths_start_from_the_folder_of_the_spec(folder: Path) -> None:
    (folder / "specs").mkdir()
    told = invoke("init", "data/rows.csv", "--target", "label", "--out", "specs/made.yaml")
    assert told.stdout == ""
    assert "seqjobs submit specs/made.yaml" in told.stderr
    assert "train: ../data/rows.csv" in (folder / "specs" / "made.yaml").read_text()
    assert "8 trials" in invoke("plan", "specs/made.yaml").stdout


def test_no_file_is_written_over_without_force(folder: Path) -> None:
    (folder / "made.yaml").write_text("mine")
    arguments = ("init", "data/rows.csv", "--target", "label", "--out", "made.yaml")
    assert "made.yaml exists; --force overwrites it" in invoke(*arguments, code=2).stderr
    assert (folder / "made.yaml").read_text() == "mine"
    invoke(*arguments, "--force")
    assert "name: rows-label" in (folder / "made.yaml").read_text()


def test_rows_to_validate_on_may_be_named(folder: Path) -> None:
    (folder / "others.csv").write_text((folder / "data" / "rows.csv").read_text())
    text = invoke("init", "data/rows.csv", "--target", "label", "--validation", "others.csv").stdout
    assert "\n  validation: others.csv\n" in text


def test_csv_of_another_form_is_drafted_with_the_options_that_the_refusal_names(folder: Path) -> None:
    rows = "\n".join(f"{i / 10};{'für' if i % 3 else 'gegen'};{i % 2}".replace(".", ",") for i in range(60))
    (folder / "form.csv").write_bytes(f"größe;wort;label\n{rows}\n".encode("latin-1"))
    arguments = ["init", "form.csv", "--target", "label", "--decimal-point", ","]
    for option in ("--delimiter ';'", "--encoding latin-1"):
        assert f"with `seqjobs init`, give {option}." in " ".join(invoke(*arguments, code=2).stderr.split())
        arguments += shlex.split(option)
    text = invoke(*arguments).stdout
    assert '\n  csv: {delimiter: ";", decimal_point: ",", encoding: latin-1}\n' in text
    (folder / "spec.yaml").write_text(text)
    assert "nothing suspicious" in invoke("plan", "spec.yaml", "--data").stdout
    assert "E206" in invoke("init", "form.csv", "--target", "label", "--encoding", "cp1252", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("data/rows.csv", "--target", "lable"), "E402"),
        (("data/none.csv", "--target", "label"), "E401"),
        (("file:///rows.csv", "--target", "label"), "E401"),
        (("s3://key:secret@bucket/rows.csv", "--target", "label"), "E709"),
        (("data/rows.csv", "--target", ""), "E205"),
    ],
)
def test_mistakes_have_their_codes(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    assert folder.is_dir()
    assert said in invoke("init", *arguments, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "x: #1", "--target", "label"), "a spec has one target column, and 2 are given"),
        (("--target", "label", "--validation", "a.csv", "--validation", "b.csv"), "one path is expected, and 2 are"),
    ],
)
def test_no_option_is_dropped_silently(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    refused = invoke("init", "data/rows.csv", *arguments, "--out", "made.yaml", code=2)
    assert words in " ".join(refused.stderr.split())
    assert not (folder / "made.yaml").exists()
