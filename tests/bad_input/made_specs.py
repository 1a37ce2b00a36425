"""Specs that no small text file can hold: bytes that are no text, lengths beyond reading, things that are no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bad_input.expectation import SPECS, Mistake

Make = Callable[[Path], Path]
"""Makes the spec in a folder, and gives its path."""


@dataclass(frozen=True, kw_only=True)
class MadeSpec:
    """A spec with one mistake."""

    name: str
    make: Make
    expected: Mistake


def _bytes(name: str, content: bytes, code: str, place: str, words: str) -> MadeSpec:
    def make(folder: Path) -> Path:
        path = folder / f"{name}.yaml"
        path.write_bytes(content)
        return path

    return MadeSpec(name=name, make=make, expected=Mistake(code=code, place=place, words=words))


def _no_file(name: str, make: Make, words: str) -> MadeSpec:
    return MadeSpec(name=name, make=make, expected=Mistake(code="E113", place="1:1", words=words))


def _right() -> str:
    text = (SPECS / "accepted_the_right_spec.yaml").read_text(encoding="utf-8")
    return text.replace("../../..", str(SPECS.parent.parent.parent))


def _changed(old: str, new: str) -> bytes:
    assert _right().count(old) == 1
    return _right().replace(old, new).encode()


def _folder(folder: Path) -> Path:
    return folder


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo.yaml")
    return folder / "fifo.yaml"


def _link_to_itself(folder: Path) -> Path:
    path = folder / "link.yaml"
    path.symlink_to(path)
    return path


_SEED_LINE = _right()[: _right().index("seed:")].count("\n") + 1
_TARGET_LINE = _right()[: _right().index("target:")].count("\n") + 1
_MODEL_LINE = _right()[: _right().index("model:")].count("\n") + 1

MADE_SPECS = (
    _bytes("e101_empty", b"", "E101", "1:1", "the spec is empty"),
    _bytes("e104_nul", b"name: a\x00b\n", "E104", "1:8", "the character U+0000, which YAML does not allow"),
    _bytes("e104_escape", b"name: small\nseed: \x1b[31m3\n", "E104", "2:7", "the character U+001B"),
    _bytes(
        "e104_latin_1", "name: small\n# für\nseed: 3\n".encode("latin-1"), "E104", "2:4", "not UTF-8 text (byte 0xfc)"
    ),
    _bytes("e104_utf_16", _right().encode("utf-16"), "E104", "1:1", "not UTF-8 text (byte 0xff)"),
    _bytes("e104_a_parquet_file", b"PAR1\x15\x04\x15\x80" * 50, "E104", "1:8", "not UTF-8 text (byte 0x80)"),
    _bytes("e110_twenty_megabytes", b"# long\n" * 3_000_000, "E110", "1:1", "larger than 1,000,000 bytes"),
    _bytes(
        "e110_many_keys",
        "".join(f"k{n}: 1\n" for n in range(60_000)).encode(),
        "E110",
        "50000:9",
        "more than 50,000 values",
    ),
    _bytes(
        "e109_nested_2000_deep",
        _changed("seed: 3", "seed: " + "[" * 2000 + "]" * 2000),
        "E109",
        f"{_SEED_LINE}:26",
        "nested deeper than 20 levels",
    ),
    _bytes(
        "e111_5000_digits", _changed("seed: 3", "seed: " + "9" * 5000), "E111", f"{_SEED_LINE}:7", "more than 40 digits"
    ),
    _bytes(
        "e111_long_text",
        _changed("target: label", "target: " + "x" * 20_000),
        "E111",
        f"{_TARGET_LINE}:11",
        "more than 10,000 characters",
    ),
    _bytes(
        "e503_10000_layers",
        _changed("  - Flatten\n", "  - Flatten\n" * 10_000),
        "E503",
        f"{_MODEL_LINE + 1}:3",
        "a model may have 1,000 layers, not 10,002",
    ),
    _no_file("e113_missing", lambda folder: folder / "missing.yaml", "there is no file or folder"),
    _no_file("e113_folder", _folder, "this is a folder, not a file"),
    _no_file("e113_fifo", _fifo, "this is not a regular file"),
    _no_file("e113_endless_device", lambda _: Path("/dev/zero"), "this is not a regular file"),
    _no_file("e113_link_to_itself", _link_to_itself, "too many levels of symbolic links"),
    _no_file("e113_name_too_long", lambda folder: folder / ("x" * 300), "file name too long"),
    _no_file("e113_nul_in_the_name", lambda folder: folder / "a\0b.yaml", "null byte"),
)
