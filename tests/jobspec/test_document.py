"""Text -> values with places: YAML 1.2, and nothing that makes a file mean something else than a reader sees."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest

from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problems
from seqjobs.jobspec.document import MAX_DEPTH, MAX_NODES, read_document
from seqjobs.jobspec.load import load_job
from seqjobs.jobspec.locate import located
from seqjobs.jobspec.spec_file import MAX_BYTES
from tests.errors.lines import code_of


def read(text: str) -> tuple[Any, list[str]]:
    problems = Problems()
    document = read_document(text, "f", problems)
    return document.tree, [problem.line() for problem in located(problems, document)]


def refused(text: str) -> list[str]:
    _, lines = read(text)
    assert all(line.isprintable() for line in lines)
    return lines


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("+1", 1),
        ("-.5", -0.5),
        ("1.", 1.0),
        (".5e1", 5.0),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nUll", "nUll"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("'1'", "1"),
        ('"true"', "true"),
        ("e1", "e1"),
        (".", "."),
        ("-", None),
        ("1e", "1e"),
        ("|\n  3\n", "3\n"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    tree, lines = read(f"a: {text}") if text != "-" else read("a:")
    assert lines == []
    assert tree["a"] == value
    assert type(tree["a"]) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(read("a: .nan")[0]["a"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3", "f:3:1 a: this key is given twice, first in line 1. Fix: keep one of them. [E105]"),
        ("a: &x 1", "f:1:4 a: an anchor is not allowed (got '&x'). Fix: remove it. [E106]"),
        ("a: *x", "f:1:4 a: an alias is not allowed (got '*x'). Fix: write out the value of its anchor. [E106]"),
        ("a: !!set {b}", "f:1:4 a: a tag is not allowed (got 'tag:yaml.org,2002:set'). Fix: remove it. [E107]"),
        ("a: !foo 3", "f:1:4 a: a tag is not allowed (got '!foo'). Fix: remove it. [E107]"),
        ("!x k: 3", "f:1:1 k: a tag is not allowed (got '!x'). Fix: remove it. [E107]"),
        ("<<: {a: 1}", "f:1:1 <<: a merge key is not allowed. Fix: write out the keys of the other mapping. [E108]"),
        ("a:\n  1.0: 2", "f:2:3 a.1.0: a key must be a string (got '1.0'). Fix: quote it. [E112]"),
        ("01: 2", "f:1:1 01: a key must be a string (got '01'). Fix: quote it. [E112]"),
        ("1: 2\n'1': 3", "f:2:1 1: this key is given twice, first in line 1. Fix: keep one of them. [E105]"),
        ("true: 2", "f:1:1 true: a key must be a string (got 'true'). Fix: quote it. [E112]"),
        ("? [a, b]\n: 2", "f:1:3 ?: a key must be a plain string. Fix: write a name. [E112]"),
        ("a: 1e999", "f:1:4 a: this number is too large (got '1e999'). Fix: write a smaller number. [E114]"),
        ("---\na: 1\n---\nb: 2", "f:3:1 a spec is one YAML document. Fix: put each job in its own file. [E102]"),
        ("a: b: c", "f:1:5 this is not YAML: mapping values are not allowed in this context."
                    " Fix: correct the YAML at this place, or just before it. [E103]"),
        ("a:\n\t- b", "f:2:1 this is not YAML: found character that cannot start any token."
                      " Fix: indent with spaces, not tabs. [E103]"),
    ],
)  # fmt: skip
def test_what_means_something_else_than_it_seems_is_refused(text: str, line: str) -> None:
    assert refused(text) == [line]


def test_an_unclosed_bracket_is_told_with_the_line_it_begins_in() -> None:
    (line,) = refused("a: 1\nb: [1,\n  2\nc: 3\n")
    assert line.startswith("f:4:2 this is not YAML: ")
    assert line.endswith("[E103]")
    assert "flow sequence that begins in line 2" in line


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x1b", "\x7f", "\ud800", "\uffff"])
def test_characters_that_no_text_has_are_refused_at_their_place(character: str) -> None:
    (line,) = refused(f"a: 1\nb: x{character}\n")
    assert line.startswith(f"f:2:5 the spec holds the character U+{ord(character):04X}, which YAML does")
    assert line.endswith("[E104]")


def test_escapes_are_read_but_never_printed() -> None:
    tree, lines = read('"k\\e[31m": "v\\u202e"\n"k\\e[31m": 2')
    assert tree == {"k\x1b[31m": 2}
    assert lines == ["f:2:1 k: this key is given twice, first in line 1. Fix: keep one of them. [E105]"]


def test_several_mistakes_are_told_in_order_and_the_rest_is_read() -> None:
    tree, lines = read("a: *x\nb: 3\nc: !t {d: 1}\nb: 4\n")
    assert [(line.split()[0], code_of(line)) for line in lines] == [
        ("f:1:4", "E106"),
        ("f:3:4", "E107"),
        ("f:4:1", "E105"),
    ]
    assert tree == {"a": None, "b": 4, "c": {"d": 1}}


def nested(depth: int) -> str:
    return "a: " + "[" * depth + "]" * depth


def test_depth_is_limited() -> None:
    assert refused(nested(MAX_DEPTH)) == []
    for depth in (MAX_DEPTH + 1, 2000):
        (line,) = refused(nested(depth))
        assert line.startswith(f"f:1:{MAX_DEPTH + 3} a.0")
        assert line.endswith("[E109]")
        assert f"deeper than {MAX_DEPTH} levels" in line


def test_the_number_of_values_is_limited() -> None:
    (line,) = refused("a: [" + "1," * MAX_NODES + "]")
    assert line.startswith("f:1:")
    assert line.endswith("[E110]")
    assert "more than 50,000 values" in line


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("a: " + "9" * 5000, "E111", "more than 40 digits"),
        ("a: 0x" + "f" * 5000, "E111", "more than 40 digits"),
        ("a: 0o" + "7" * 5000, "E111", "more than 40 digits"),
        ("a: " + "x" * 10_001, "E111", "more than 10,000 characters"),
        ("x" * 500 + ": 1", "E111", "more than 200 characters"),
        ("9" * 100 + ": 1", "E112", "a key must be a string"),
        (f"? {'k' * 2000}\n: 1", "E111", "this key has more than"),
    ],
)
def test_lengths_are_limited_and_long_values_shown_short(text: str, code: str, what: str) -> None:
    (line,) = refused(text)
    assert code_of(line) == code
    assert what in line
    assert len(line) < 250


def spec_error(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_job(path)
    (line,) = caught.value.lines
    return line.replace(str(path), "job.yaml")


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (b"", "E101", "job.yaml:1:1 the spec is empty."),
        (b"# nothing\n", "E101", "job.yaml:1:1 the spec is empty."),
        (b"null", "E101", "job.yaml:1:1 the spec is empty."),
        (b"\n- a", "E101", "job.yaml:2:1 a spec is a mapping of sections (got ['a'])."),
        (b"abc", "E101", "job.yaml:1:1 a spec is a mapping of sections (got 'abc')."),
        (b"name: x\nseed: \xff", "E104", "job.yaml:2:7 the spec is not UTF-8 text (byte 0xff)."),
        ("name: x".encode("utf-16"), "E104", "job.yaml:1:1 the spec is not UTF-8 text (byte 0xff)."),
        (b"\xef\xbb\xbfname: \xe9x", "E104", "job.yaml:1:7 the spec is not UTF-8 text (byte 0xe9)."),
        (b"name: a\x00b", "E104", "job.yaml:1:8 the spec holds the character U+0000, which YAML does not allow."),
        (b"#" * (MAX_BYTES + 1), "E110", "job.yaml:1:1 the spec is larger than 1,000,000 bytes."),
    ],
    ids=range(10),
)
def test_files_that_are_no_spec(tmp_path: Path, content: bytes, code: str, text: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(content)
    line = spec_error(path)
    assert line.startswith(text)
    assert code_of(line) == code


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(b"\xef\xbb\xbfnames: x")
    with pytest.raises(SpecError) as caught:
        load_job(path)
    assert f"{path}:1:1 names: unknown key 'names'. Did you mean 'name'? [E201]" in caught.value.lines


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    line = spec_error(tmp_path)
    assert line.startswith("job.yaml:1:1 this is a folder, not a file.")
    assert line.endswith("[E113]")
    assert "E113" in spec_error(tmp_path / "a\0b")
    assert "E113" in spec_error(tmp_path / ("long" * 100))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    line = spec_error(fifo)
    assert line.startswith("job.yaml:1:1 this is not a regular file.")
    assert line.endswith("[E113]")
    assert code_of(spec_error(Path("/dev/zero"))) == "E113"


def test_a_spec_that_is_not_there_is_named_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for others, fix in (((), "Fix: correct the path."), (("train.yaml", "tarin.csv"), "Did you mean 'train.yaml'?")):
        for other in others:
            (tmp_path / other).touch()
        with pytest.raises(SpecError) as caught:
            load_job("tarin.yaml")
        what = f"there is no file or folder 'tarin.yaml', which is {tmp_path}/tarin.yaml"
        assert list(caught.value.lines) == [f"tarin.yaml:1:1 {what}. {fix} [E113]"]


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet"])
def test_data_in_the_place_of_a_spec_is_refused_with_the_command_that_writes_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(SpecError) as caught:
        load_job(path)
    fix = f"Fix: write a spec for it with `seqjobs init {path} --target COLUMN`."
    assert list(caught.value.lines) == [f"{path}:1:1 this is a data file, not a spec. {fix} [E113]"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.touch(mode=0)
    assert "permission denied" in spec_error(path)


def test_a_file_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_job(tmp_path / "\x1b[31mred.yaml")
    assert all(line.isprintable() for line in caught.value.lines)
