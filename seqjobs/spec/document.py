"""Documents: a YAML text as plain values, with the place of every key and value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from stat import S_ISREG
from typing import Any

import yaml

from seqjobs.spec.problems import Path, Problems, shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_NODES = 50_000
MAX_SCALAR_LENGTH = 10_000
MAX_DIGITS = 40

# The parser of libyaml where PyYAML was built with it: same events, about ten times faster.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# The core schema of YAML 1.2.2, section 10.3.2, where `1e-3` is a number and `no` a string; PyYAML follows YAML 1.1.
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a value stands in the file, and where its key does; lines and columns from 1."""

    line: int
    column: int
    key_line: int
    key_column: int
    source: str


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed text: `tree` of dict, list and scalars, `places` by path."""

    tree: Any
    places: dict[Path, Place]
    source: str

    def place(self, path: Path, at: str = "value") -> str:
        """`file:line:col` of the deepest part of `path` that stands in the text."""
        for length in range(len(path), -1, -1):
            place = self.places.get(path[:length])
            if place is None:
                continue
            if at == "key" and length == len(path):
                return f"{place.source}:{place.key_line}:{place.key_column}"
            return f"{place.source}:{place.line}:{place.column}"
        return f"{self.source}:1:1"


def read_text(path: FilePath, problems: Problems) -> str | None:
    """The text of a spec file, or None with a problem noted (E104, E110, E113)."""
    try:
        if not S_ISREG(path.stat().st_mode):
            problems.add("E113", (), "this is not a regular file", fix="name the spec's YAML file.")
            return None
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problems.add("E113", (), f"the spec cannot be read: {reason}", fix="check the path and its permissions.")
        return None
    if len(raw) > MAX_BYTES:
        problems.add("E110", (), f"the spec is larger than {MAX_BYTES:,} bytes", fix="split it into several jobs.")
        return None
    return decode(raw, problems)


def decode(raw: bytes, problems: Problems) -> str | None:
    """UTF-8 text, or None with E104 noted."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add("E104", (), f"the spec is not UTF-8 text (byte {error.start})", fix="save it as UTF-8.")
        return None
    if "\0" in text:
        problems.add("E104", (), "the spec holds a NUL character", fix="save it as plain UTF-8 text.")
        return None
    return text


def read_document(text: str, source: str, problems: Problems) -> Document | None:
    """Parses one YAML document; notes every mistake that leaves the rest readable, None where nothing is.

    Aliases, anchors, tags, merge keys, duplicate keys and keys that are not strings are refused: each of
    them makes a file mean something else than a reader sees.
    """
    reader = _Reader(source, problems)
    try:
        reader.read(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reader.places[()] = _whole(source, line, column)
        fix = "indent with spaces, not tabs." if "\\t" in str(error.problem) else "mend the YAML at this place."
        problems.add("E103", (), f"this is not YAML: {error.problem}", fix=fix)
    except yaml.YAMLError as error:
        problems.add("E103", (), f"this is not YAML: {error}", fix="remove the characters YAML does not allow.")
    except _StopReading:
        pass
    return Document(tree=reader.tree, places=reader.places, source=source)


def read_value(text: str, source: str, problems: Problems) -> Document | None:
    """Parses the value of an override `path=value`: YAML again, in one line."""
    return read_document(text if text.strip() else "''", source, problems)


class _StopReading(Exception):  # noqa: N818 (a signal, not an error)
    """Nothing sensible can be read beyond this point; the problem is already noted."""


def _whole(source: str, line: int = 1, column: int = 1) -> Place:
    return Place(line=line, column=column, key_line=line, key_column=column, source=source)


class _Reader:
    """Builds the tree out of libyaml's events, which carry no resolved types, aliases or merges yet."""

    def __init__(self, source: str, problems: Problems) -> None:
        self.tree: Any = None
        self.places: dict[Path, Place] = {(): _whole(source)}
        self._source = source
        self._problems = problems
        self._nodes = 0

    def read(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._mark((), event, event)
                    self._problems.add("E102", (), "a spec is one YAML document", fix="put each job in its own file.")
                    return
            elif isinstance(event, yaml.NodeEvent):
                self._mark((), event, event)
                self.tree = self._value(event, events, ())

    def _mark(self, path: Path, event: Any, key: Any) -> None:
        self.places[path] = Place(
            line=event.start_mark.line + 1,
            column=event.start_mark.column + 1,
            key_line=key.start_mark.line + 1,
            key_column=key.start_mark.column + 1,
            source=self._source,
        )

    def _value(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._problems.add("E110", path, f"the spec has more than {MAX_NODES:,} values", fix="split it.")
            raise _StopReading
        if len(path) > MAX_DEPTH:
            self._problems.add("E109", path[:MAX_DEPTH], f"nested deeper than {MAX_DEPTH} levels", fix="flatten it.")
            raise _StopReading
        if isinstance(event, yaml.AliasEvent):
            self._problems.add("E106", path, "aliases are not allowed", got=f"*{event.anchor}", fix="write it out.")
            return None
        self._refuse_anchor_and_tag(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        return self._scalar(event, path)

    def _refuse_anchor_and_tag(self, event: Any, path: Path) -> None:
        if event.anchor is not None:
            self._problems.add("E106", path, "anchors are not allowed", got=f"&{event.anchor}", fix="write it out.")
        if event.tag is not None:
            self._problems.add("E107", path, "tags are not allowed", got=event.tag, fix="remove the tag.")

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key in events:
            if isinstance(key, yaml.MappingEndEvent):
                break
            name = self._key(key, events, path)
            value = next(events)
            here = (*path, name)
            if name in result:
                first = self.places[here]
                self._problems.add("E105", here, f"this key is given twice, first in line {first.key_line}",
                                   fix="keep one of them.", at="key")  # fmt: skip
            self._mark(here, value, key)
            result[name] = self._value(value, events, here)
        return result

    def _key(self, event: Any, events: Iterator[Any], path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            here = (*path, "?")
            self._mark(here, event, event)
            self._problems.add("E112", here, "a key must be a plain string", fix="write a name.")
            if isinstance(event, yaml.CollectionStartEvent):
                self._value(event, events, here)
            return "?"
        here = (*path, str(event.value))
        if here not in self.places:
            self._mark(here, event, event)
        if event.tag is not None or event.anchor is not None:
            self._refuse_anchor_and_tag(event, here)
        if event.value == "<<":
            self._problems.add("E108", here, "merge keys are not allowed", fix="write the keys out.", at="key")
        elif event.implicit[0] and not isinstance(_resolve(event.value), str):
            self._problems.add("E112", here, "a key must be a string", got=event.value, fix="quote it.", at="key")
        return str(event.value)

    def _sequence(self, events: Iterator[Any], path: Path) -> list[Any]:
        result: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            here = (*path, len(result))
            self._mark(here, event, event)
            result.append(self._value(event, events, here))
        return result

    def _scalar(self, event: Any, path: Path) -> Any:
        text = str(event.value)
        if len(text) > MAX_SCALAR_LENGTH:
            self._problems.add("E111", path, f"a value longer than {MAX_SCALAR_LENGTH:,} characters", got=text)
            return None
        if not event.implicit[0]:  # quoted or block text
            return text
        if _INTEGER.fullmatch(text) and len(text) > MAX_DIGITS:
            self._problems.add("E111", path, f"a number of more than {MAX_DIGITS} digits", got=text)
            return None
        value = _resolve(text)
        if isinstance(value, float) and value in (float("inf"), float("-inf")) and _FLOAT.fullmatch(text):
            self._problems.add("E114", path, "this number is too large", got=shown(text), fix="write a finite one.")
            return None
        return value


def _resolve(text: str) -> Any:
    """The value of a plain scalar by the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if infinity := _INFINITY.fullmatch(text):
        return float(f"{infinity.group(1)}inf")
    return float("nan") if _NAN.fullmatch(text) else text
