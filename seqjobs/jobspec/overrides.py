"""Overrides: `path=value` texts from the command line, put into a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from seqjobs.errors.problems import Path, Problems, shown
from seqjobs.errors.redaction import HIDDEN, is_secret, redacted
from seqjobs.jobspec.document import Document, Place, read_document
from seqjobs.jobspec.substitution import parse_key, put

MAX_TEXT_SHOWN = 60
# In the value of an override, which is YAML.
_KEY = re.compile(r"[\w.]+(?=['\"]?\s*:)")


def apply_overrides(document: Document, overrides: Sequence[str], problems: Problems) -> None:
    """Changes the document's tree in place; a mistake is noted at `-S path=value:line:col` of the override."""
    for text in overrides:
        key, equals, value = text.partition("=")
        source = f"-S {_shown(key, text)}"
        document.overrides.append(source)
        whole = Place(line=1, column=1, key_line=1, key_column=1, source=source)
        if not equals:
            problems.add("E210", (), "an override is path=value", fix="write it as fit.epochs=3.", place=_at(whole))
            continue
        found = Problems()
        parsed = read_document(value if value.strip() else "''", source, found)
        indent = len(key) + 1
        try:
            path = put(document.tree, parse_key(key.strip()), parsed.tree)
        except (KeyError, IndexError):
            what = f"there is nothing at the path {shown(key.strip())}"
            fix = "name a place that the spec has, such as fit.epochs."
            problems.add("E210", (), what, fix=fix, place=_at(whole))
            continue
        places = {below: _moved(place, indent) for below, place in parsed.places.items()}
        _replace_places(document, path, places, replace(whole, column=indent + 1))
        document.unreadable.update((*path, *below) for below in parsed.unreadable)
        for problem in found:
            line, column = (problem.place or parsed.place(problem.path, problem.at)).rsplit(":", 2)[1:]
            place = f"{source}:{line}:{int(column) + (indent if line == '1' else 0)}"
            problems.extend([replace(problem, path=(*path, *problem.path), place=place)])
            if parsed.tree is None:
                document.unreadable.add(path)


def _shown(key: str, text: str) -> str:
    """The override as it is named in messages: short, and without what may be a secret."""
    keys = [key, *_KEY.findall(text)]
    if any(is_secret(part) for name in keys for part in name.split(".")):
        return f"{key}={HIDDEN}"
    text = redacted(text)
    return text if len(text) <= MAX_TEXT_SHOWN else text[: MAX_TEXT_SHOWN - 3] + "..."


def _replace_places(document: Document, path: Path, places: dict[Path, Place], whole: Place) -> None:
    """What stood at or below `path` in the file is gone; what is new on the way to it stands in the override."""
    for old in [old for old in document.places if old[: len(path)] == path]:
        del document.places[old]
    for length in range(1, len(path)):
        document.places.setdefault(path[:length], whole)
    for below, place in places.items():
        document.places[(*path, *below)] = place if below else replace(place, key_line=1, key_column=1)


def _moved(place: Place, indent: int) -> Place:
    """A place in the value as a place in the whole override; only its first line begins after the `=`."""
    column = place.column + (indent if place.line == 1 else 0)
    key_column = place.key_column + (indent if place.key_line == 1 else 0)
    return replace(place, column=column, key_column=key_column)


def _at(place: Place) -> str:
    return f"{place.source}:{place.line}:{place.column}"
