"""Documents: a YAML text as plain values, with the place of every key and value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isinf
from typing import Any, Literal

import yaml

from seqjobs.errors.problems import Path, Problems

MAX_DEPTH = 20
MAX_NODES = 50_000
MAX_SCALAR_LENGTH = 10_000
MAX_DIGITS = 40
MAX_KEY_LENGTH = 200

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
# Numbers that name something, as classes do: they have one writing, and so are no other key than their text.
_KEY_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,9}")

# The complement of YAML 1.2.2's printable characters (section 5.1); with them go the NUL and lone surrogates.
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    unreadable: set[Path] = field(default_factory=set)
    """Where a value could not be read as it is written, so that nothing more is to be said of it."""
    overrides: list[str] = field(default_factory=list)
    """The sources of values that an override has put in, in the order in which they were given."""

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


def decode(raw: bytes, source: str, problems: Problems) -> str | None:
    """UTF-8 text, or None with E104 noted."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark the positions of `error` begin after it.
        place = _place_of(source, error.object[: error.start].decode("utf-8-sig"))
        what = f"the spec is not UTF-8 text (byte {error.object[error.start]:#04x})"
        problems.add("E104", (), what, fix="save it as UTF-8.", place=place)
        return None


def read_document(text: str, source: str, problems: Problems) -> Document:
    """Parses one YAML document; notes every mistake that leaves the rest readable.

    Its tree is None where nothing is readable. Aliases, anchors, tags, merge keys, duplicate keys and keys that are
    neither strings nor plain whole numbers are refused: each of them makes a file mean something else than a reader
    sees. A number as a key is its text.
    """
    reader = _Reader(source, problems)
    if found := _NOT_YAML.search(text):
        what = f"the spec holds the character U+{ord(found.group()):04X}, which YAML does not allow"
        place = _place_of(source, text[: found.start()])
        problems.add("E104", (), what, fix="remove it, or write it as an escape in double quotes.", place=place)
        return reader.document()
    try:
        reader.read(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        _note_yaml_error(error, text, source, problems)
    except yaml.YAMLError as error:
        what = f"this is not YAML: {' '.join(str(error).split())}"
        problems.add("E103", (), what, fix="remove the characters that YAML does not allow.")
    except _StopReading:
        pass
    return reader.document()


def _note_yaml_error(error: yaml.MarkedYAMLError, text: str, source: str, problems: Problems) -> None:
    """E103 where the scanner stopped, with the line where what it was reading begins."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    begin = error.context_mark.line + 1 if error.context and error.context_mark else line + 1
    context = f", {error.context} that begins in line {begin}" if begin != line + 1 else ""
    lines = text.splitlines()
    at_tab = line < len(lines) and lines[line][: column + 1].endswith("\t")
    fix = "indent with spaces, not tabs." if at_tab else "correct the YAML at this place, or just before it."
    place = f"{source}:{line + 1}:{column + 1}"
    problems.add("E103", (), f"this is not YAML: {error.problem}{context}", fix=fix, place=place)


def _place_of(source: str, before: str) -> str:
    """`file:line:col` of what follows the text `before`."""
    return f"{source}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


class _StopReading(Exception):  # noqa: N818 (a signal, not an error)
    """Nothing sensible can be read beyond this point; the problem is already noted."""


class _Reader:
    """Builds the tree out of libyaml's events, which carry no resolved types, aliases or merges yet."""

    def __init__(self, source: str, problems: Problems) -> None:
        self._tree: Any = None
        whole = Place(line=1, column=1, key_line=1, key_column=1, source=source)
        self._places: dict[Path, Place] = {(): whole}
        self._unreadable: set[Path] = set()
        self._source = source
        self._problems = problems
        self._nodes = 0

    def document(self) -> Document:
        return Document(tree=self._tree, places=self._places, source=self._source, unreadable=self._unreadable)

    def read(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    what, fix = "a spec is one YAML document", "put each job in its own file."
                    self._problems.add("E102", (), what, fix=fix, place=self._at(event))
                    return
            elif isinstance(event, yaml.NodeEvent):
                self._mark((), event, event)
                self._tree = self._value(event, events, ())

    def _mark(self, path: Path, event: Any, key: Any) -> None:
        self._places[path] = Place(
            line=event.start_mark.line + 1,
            column=event.start_mark.column + 1,
            key_line=key.start_mark.line + 1,
            key_column=key.start_mark.column + 1,
            source=self._source,
        )

    def _at(self, event: Any) -> str:
        return f"{self._source}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"

    def _value(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            what = f"the spec has more than {MAX_NODES:,} values"
            self._problems.add("E110", path, what, fix="split it into several jobs.")
            raise _StopReading
        if len(path) > MAX_DEPTH:
            what = f"this is nested deeper than {MAX_DEPTH} levels"
            self._problems.add("E109", path[:MAX_DEPTH], what, fix="write it with fewer levels.")
            raise _StopReading
        if isinstance(event, yaml.AliasEvent):
            what = "an alias is not allowed"
            return self._unread("E106", path, what, got=f"*{event.anchor}", fix="write out the value of its anchor.")
        self._refuse_anchor_and_tag(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        return self._scalar(event, path)

    def _unread(self, code: str, path: Path, what: str, *, got: str, fix: str) -> None:
        self._problems.add(code, path, what, got=got, fix=fix)
        self._unreadable.add(path)

    def _refuse_anchor_and_tag(self, event: Any, path: Path, at: Literal["key", "value"] = "value") -> None:
        if event.anchor is not None:
            what = "an anchor is not allowed"
            self._problems.add("E106", path, what, got=f"&{event.anchor}", fix="remove it.", at=at)
        if event.tag is not None:
            self._problems.add("E107", path, "a tag is not allowed", got=event.tag, fix="remove it.", at=at)
            if isinstance(event, yaml.ScalarEvent):
                self._unreadable.add(path)

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key in events:
            if isinstance(key, yaml.MappingEndEvent):
                break
            name = self._key(key, events, path)
            here = (*path, name)
            first = self._places[here].key_line if name in result else None
            value = next(events)
            self._mark(here, value, key)
            if first is not None:
                what = f"this key is given twice, first in line {first}"
                self._problems.add("E105", here, what, fix="keep one of them.", at="key", place=self._at(key))
            self._check_key(key, here)
            result[name] = self._value(value, events, here)
        return result

    def _key(self, event: Any, events: Iterator[Any], path: Path) -> str:
        """The key's text; a key that is a list, a mapping or an alias is read to its end, and called `?`."""
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        here = (*path, "?")
        self._mark(here, event, event)
        self._problems.add("E112", here, "a key must be a plain string", fix="write a name.", place=self._at(event))
        self._unreadable.add(here)
        if isinstance(event, yaml.CollectionStartEvent):
            self._value(event, events, here)
        return "?"

    def _check_key(self, event: Any, here: Path) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            return
        self._refuse_anchor_and_tag(event, here, at="key")
        if len(event.value) > MAX_KEY_LENGTH:
            what = f"this key has more than {MAX_KEY_LENGTH} characters"
            self._problems.add("E111", here, what, got=event.value, fix="shorten it.", at="key")
            self._unreadable.add(here)
        elif event.value == "<<" and event.implicit[0]:
            what = "a merge key is not allowed"
            self._problems.add("E108", here, what, fix="write out the keys of the other mapping.", at="key")
            self._unreadable.add(here)
        elif event.implicit[0] and not (_KEY_NUMBER.fullmatch(event.value) or isinstance(_resolve(event.value), str)):
            self._problems.add("E112", here, "a key must be a string", got=event.value, fix="quote it.", at="key")
            self._unreadable.add(here)

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
            what = f"this value has more than {MAX_SCALAR_LENGTH:,} characters"
            return self._unread("E111", path, what, got=text, fix="shorten it.")
        if not event.implicit[0]:  # quoted or block text
            return text
        if _is_whole_number(text) and len(text) > MAX_DIGITS:
            what = f"this number has more than {MAX_DIGITS} digits"
            return self._unread("E111", path, what, got=text, fix="write it with fewer digits, or quote it.")
        value = _resolve(text)
        if isinstance(value, float) and isinf(value) and _FLOAT.fullmatch(text):
            return self._unread("E114", path, "this number is too large", got=text, fix="write a smaller number.")
        return value


def _is_whole_number(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in (_INTEGER, _OCTAL, _HEXADECIMAL))


def _resolve(text: str) -> Any:
    """The value of a plain scalar by the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _is_whole_number(text):
        # A key is resolved whatever its length, and int() refuses 4,301 digits.
        return int(text, 10 if _INTEGER.fullmatch(text) else 0) if len(text) <= MAX_DIGITS else 0
    if _FLOAT.fullmatch(text):
        return float(text)
    if infinity := _INFINITY.fullmatch(text):
        return float(f"{infinity.group(1)}inf")
    return float("nan") if _NAN.fullmatch(text) else text
