"""Numbers, names and tables as people read them; strings of others made safe."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from seqjobs.cli.views.formatting import (
    short_names,
    shown_duration,
    shown_estimate,
    shown_metric,
    shown_value,
)
from seqjobs.cli.views.json_output import json_value
from seqjobs.cli.views.tables import Column, Table, print_table
from seqjobs.errors.percentages import shown_percent
from seqjobs.errors.printable import printable, printable_block
from seqjobs.errors.sizes import shown_bytes


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain ünïcode 模型", "plain ünïcode 模型"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("bell\x07 back\x08", "bell\\x07 back\\x08"),
        ("two\nlines\tand  blanks\r\n", "two lines and  blanks"),
        ("s3://user:pw@host/x", "s3://...@host/x"),
        ("left\u202eright", "left\\u202eright"),
        ("\ud800", "\\ud800"),
        ("\x1b", "\\x1b"),
    ],
)
def test_a_line_holds_nothing_that_a_terminal_acts_on(text: str, safe: str) -> None:
    assert printable(text) == safe


def test_a_block_keeps_its_lines_and_its_indentation() -> None:
    text = "10%\r20%\r\nTraceback:\n  File\tx\x1b[1m\n\x07"
    assert printable_block(text) == "10%\n20%\nTraceback:\n  File  x\n\\x07"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9821, "0.98210"),
        (0.0000123456, "1.2346e-05"),
        (12.0, "12.000"),
        (None, "-"),
        (math.nan, "nan"),
        (math.inf, "inf"),
    ],
)
def test_a_metric_has_five_digits(value: float | None, text: str) -> None:
    assert shown_metric(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (0.0066601397, "0.0066601"),
        (64, "64"),
        (True, "true"),
        (None, "null"),
        ([3, 3], "[3, 3]"),
        ("relu\x1b[0m", "relu"),
        ("x" * 40, "x" * 21 + "..."),
    ],
)
def test_a_hyperparameter_is_short(value: object, text: str) -> None:
    assert shown_value(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.24, "24%"),
        (0.996, "99.6%"),
        (0.004, "0.4%"),
        (0.00042, "0.04%"),
        (1e-9, "<0.001%"),
        (1 - 1e-9, ">99.999%"),
    ],
)
def test_a_percentage_is_zero_or_a_hundred_only_if_the_share_is(share: float, text: str) -> None:
    assert shown_percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.042, "0.042 s"),
        (0.0, "0 s"),
        (12.34, "12.3 s"),
        (59.97, "1 min 00 s"),
        (245, "4 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_a_duration_has_its_units(seconds: float, text: str) -> None:
    assert shown_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "5 s"), (17, "20 s"), (57, "1 min"), (250, "4 min"), (3590, "1 h 00 min")]
)
def test_an_estimate_is_rounded(seconds: float, text: str) -> None:
    assert shown_estimate(seconds) == text


def test_bytes_have_their_units() -> None:
    assert [shown_bytes(count) for count in (0, 1536, 10 * 2**20, 3 * 2**40)] == ["0 B", "1.5 KiB", "10 MiB", "3 TiB"]


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (["model.0.Dense.units"], ["units"]),
        (["model.0.Dense.units", "model.2.Dense.units"], ["0.Dense.units", "2.Dense.units"]),
        (["model.0.Dense.units", "model.1.LSTM.units"], ["Dense.units", "LSTM.units"]),
        (["model.2"], ["model.2"]),
        (["fit.epochs"], ["fit.epochs"]),  # `epochs` is another column
        (["model", "fit.batch_size"], ["model", "batch_size"]),
        (["rate", "model.1.Dropout.rate"], ["rate", "Dropout.rate"]),
    ],
)
def test_a_name_is_the_shortest_end_that_is_its_own(keys: list[str], names: list[str]) -> None:
    assert list(short_names(keys, taken=["epochs"]).values()) == names


def test_json_has_no_nan() -> None:
    value = {"a": [math.nan, 1.5], "b": (math.inf, {"c": -math.inf}), 3: "x"}
    assert json.dumps(json_value(value), allow_nan=False) == '{"a": [null, 1.5], "b": [null, {"c": null}], "3": "x"}'


def test_json_takes_dataclasses_and_paths() -> None:
    @dataclass
    class Found:
        path: Path
        values: tuple[float, ...]

    assert json_value([Found(Path("a"), (math.nan,))]) == [{"path": "a", "values": [None]}]


def table() -> Table:
    return Table(
        columns=(
            Column(title="trial", cells=("abc", "[red]d")),
            Column(title="a long text", cells=("x" * 30, "y")),
            Column(title="loss", cells=("123.45", "0.5"), right=True),
            Column(title="units", cells=("8", "16"), right=True, optional=True),
        )
    )


def drawn(shown: Table, width: int, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    print_table(Console(file=stream, width=width, markup=False, highlight=False), shown)
    stream.flush()
    return [line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()]


def test_a_table_that_fits_is_whole_and_markup_is_only_text() -> None:
    assert drawn(table(), 80) == [
        "trial   a long text                       loss  units",
        "─────────────────────────────────────────────────────",
        "abc     xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  123.45      8",
        "[red]d  y                                  0.5     16",
    ]


def test_a_table_that_does_not_fit_loses_options_then_text_but_no_digit() -> None:
    assert drawn(table(), 30)[0] == "trial   a long text       loss"
    assert drawn(table(), 30)[2] == "abc     xxxxxxxxxxxxx…  123.45"


def test_a_table_is_plain_where_the_terminal_is() -> None:
    assert set(drawn(table(), 80, "ascii")[1]) == {"-", "+"}
    assert all(line.isascii() for line in drawn(table(), 30, "ascii"))


def test_a_text_that_must_stay_whole_is_longer_than_the_terminal() -> None:
    ids = Column(title="run", cells=("20261122-231500-a-long-name", "b"), whole=True)
    others = Column(title="status", cells=("finished", "running"), optional=True)
    assert drawn(Table(columns=(ids, others)), 20) == ["run", "─" * 27, "20261122-231500-a-long-name", "b"]


def test_markdown_escapes_what_markdown_means() -> None:
    column = Column(title="a_b", cells=("x|y", "<b>", "*"))
    assert Table(columns=(column,)).markdown().splitlines() == [
        "| a_b |",
        "| --- |",
        "| x\\|y |",
        "| \\<b> |",
        "| \\* |",
    ]
