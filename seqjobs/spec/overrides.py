"""Overrides: `path=value` texts from the command line, put into a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seqjobs.spec.document import Document, Place, read_value
from seqjobs.spec.job_spec import parse_key, put
from seqjobs.spec.problems import Problems


def apply_overrides(document: Document, overrides: Sequence[str], problems: Problems) -> None:
    """Changes the document's tree in place; a mistake in an override is noted as E210 at `-S path=value`."""
    for text in overrides:
        source = f"-S {text}"
        key, equals, value = text.partition("=")
        here = ("-S", text)
        whole = Place(line=1, column=1, key_line=1, key_column=1, source=source)
        document.places[here] = whole
        if not equals or not key.strip() or "" in key.split("."):
            problems.add("E210", here, "an override is path=value", got=text, fix="write -S fit.epochs=3.")
            continue
        parsed = read_value(value, source, problems)
        path = parse_key(key.strip())
        if parsed is None:
            continue
        try:
            put(document.tree, path, parsed.tree)
        except (KeyError, IndexError):
            problems.add("E210", here, "there is nothing at this path", got=key, fix="name a place in the spec.")
            continue
        document.places[path] = replace(whole, column=len(key) + 2)
        for below, place in parsed.places.items():
            if below:
                document.places[(*path, *below)] = replace(place, column=place.column + len(key) + 1)
