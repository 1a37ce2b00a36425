"""Hypothesis strategies for specs with mistakes: real ones, changed as trees and as texts."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.bad_input.expectation import SPECS
from tests.bad_input.hostile import HOSTILE
from tests.jobspec.spec_texts import JOBS

# Trials that differ in numbers alone are checked one by one: twenty show as much as two thousand.
TEXTS = tuple(
    path.read_text(encoding="utf-8").replace("trials: 2000", "trials: 20") for path in sorted(JOBS.glob("*.yaml"))
)
CORPUS = tuple(
    path.read_text(encoding="utf-8").replace("../../..", str(JOBS.parent)) for path in sorted(SPECS.iterdir())
)
TREES = tuple(yaml.safe_load(text) for text in TEXTS)

SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 10**12, 10**39, 0.5, -0.0, 1e-300, 1e308, float("nan"), float("inf")),
    *("", "adam", "Adam", "Dense", "relu", "val_loss", "no", "010", "a.b", "\x1b[31m", "\u202e", "../x", "1e-3"),
)
NAMES = (
    *("choice", "uniform", "log_uniform", "int_uniform", "log_int_uniform", "step", "name", "data", "model", "fit"),
    *(
        "compile",
        "variants",
        "search",
        "units",
        "Dense",
        "Adam",
        "learning_rate",
        "epoch",
        "",
        "0",
        "a.b",
        "\x1b",
        "<<",
    ),
)
KEYS = ("fit.batch_size", "fit.epochs", "model.0.Dense.units", "compile.optimizer", "model", "data.features.0", "a..b")
LETTERS = "abcdefghijklmnopqrstuvwxyz_AD09.\x1b\u202e"
PIECES = (
    *("\t", "\n", " ", ":", "- ", "{", "}", "[", "]", "*a", "&a ", "!x ", "!!python/none ", "<<: {}", "#", "'", '"'),
    *(",", "? ", "---\n", "...\n", "|\n", "\x00", "\x1b", "\ufeff", "\ud800", "\u2028", "9" * 50, "0x" + "f" * 5000),
    *("1e999", "~", ".nan", "choice: [1, 2]", "{uniform: [0, 1]}", "variants:\n", "- fit.epochs: 3\n", ""),
)

VALUES = st.recursive(
    st.sampled_from(SCALARS) | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
RANGES = st.builds(
    lambda kind, bounds, step: {kind: bounds, **({} if step is None else {"step": step})},
    st.sampled_from(["uniform", "log_uniform", "int_uniform", "log_int_uniform", "log_unifrom"]),
    st.lists(st.sampled_from([0, 1, 2, 32, -1, 0.1, 1e-4, 1e300, 1.0, 10**30, True, "x", None]), max_size=3),
    st.sampled_from([None, None, 1, 2, 0.1, 0, -1, 1e-300, "x"]),
)
DIMENSIONS = RANGES | st.builds(lambda options: {"choice": options}, st.lists(VALUES | RANGES, max_size=4))
VARIANTS = st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES | DIMENSIONS), max_size=3)
OVERRIDES = st.lists(
    st.builds(
        "{}={}".format,
        st.sampled_from((*KEYS, "name", "fit", "search.trials", "model.9.x", "x", "", "model.0.Dense.units.choice")),
        st.sampled_from(("3", "", "[1, 2]", "{choice: [8, 16]}", "{", "*a", "x: y", "a\nb: [", "-1", "!t 1", "1: 2")),
    )
    | st.sampled_from(("fit.epochs", "=3", "model." + "9" * 5000 + "=1", "a." * 3000 + "a=1", "\x1b=\x1b")),
    max_size=2,
)


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a tree with each of its keys."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from places(tree[key])


def delete(container: Any, key: Any, _: Any) -> None:
    del container[key]


def replace(container: Any, key: Any, value: Any) -> None:
    container[key] = value


def rename(container: Any, key: Any, name: str) -> None:
    if isinstance(container, dict):
        container[name] = container.pop(key)


def misspell(container: Any, key: Any, change: tuple[int, int, str]) -> None:
    """Insert, drop or replace a character of a key, or of the value in a list."""
    at, dropped, inserted = change
    word = str(key if isinstance(container, dict) else container[key])
    at %= len(word) + 1
    word = word[:at] + inserted + word[at + dropped :]
    if isinstance(container, dict):
        container[word] = container.pop(key)
    else:
        container[key] = word


def swap(container: Any, key: Any, index: int) -> None:
    keys = list(container) if isinstance(container, dict) else range(len(container))
    other = keys[index % len(keys)]
    container[key], container[other] = container[other], container[key]


def scale(container: Any, key: Any, change: tuple[float, int]) -> None:
    """Change a number to another one of its kind, which is often within the bounds."""
    value, (factor, summand) = container[key], change
    if isinstance(value, int | float) and not isinstance(value, bool):
        container[key] = type(value)(value * factor + summand)


def choose(container: Any, key: Any, value: Any) -> None:
    container[key] = {"choice": [container[key], value]}


def double(container: Any, key: Any, _: Any) -> None:
    container[key] = [container[key], container[key]]


def name_two(container: Any, key: Any, value: Any) -> None:
    container[key] = {"one": container[key], "two": value}


def deepen(container: Any, key: Any, _: Any) -> None:
    for _level in range(25):
        container[key] = {"Bidirectional": {"layer": container[key]}}


SCALING = st.tuples(st.sampled_from([0, 0.5, 2, 3, -1, 1000]), st.sampled_from([0, 0, 1, -1]))
CHANGES: tuple[tuple[Callable[[Any, Any, Any], None], st.SearchStrategy[Any]], ...] = (
    (delete, st.none()),
    (replace, VALUES),
    (replace, DIMENSIONS),
    (rename, st.sampled_from(NAMES)),
    (misspell, st.tuples(st.integers(0, 20), st.integers(0, 1), st.sampled_from(LETTERS) | st.just(""))),
    (swap, st.integers(0, 9)),
    (scale, SCALING),
    (scale, SCALING),
    (choose, VALUES | DIMENSIONS),
    (double, st.none()),
    (name_two, VALUES),
    (deepen, st.none()),
)


@st.composite
def changed_trees(draw: st.DrawFn) -> str:
    """A real spec with one to three changes, written as JSON, which is YAML.

    Drawn values are copied, because later changes would otherwise change the values that strategies choose from.
    """
    tree = copy.deepcopy(draw(st.sampled_from(TREES)))
    if draw(st.integers(0, 3)) == 3:
        tree["variants"] = copy.deepcopy(draw(VARIANTS))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(tree))
        if not found:
            break
        container, key = found[draw(st.integers(0, len(found) - 1))]
        change, values = draw(st.sampled_from(CHANGES))
        change(container, key, copy.deepcopy(draw(values)))
    return json.dumps(tree, ensure_ascii=draw(st.booleans()), indent=1)


@st.composite
def changed_texts(draw: st.DrawFn) -> str:
    """A real spec or a wrong one, with characters and lines removed, doubled, swapped or inserted."""
    text = draw(st.sampled_from((*TEXTS, *CORPUS)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        part = text[at : at + draw(st.integers(0, 30))]
        piece = draw(st.sampled_from(("", part, part * 2)) | st.sampled_from(PIECES) | st.characters(max_codepoint=300))
        text = text[:at] + piece + text[at + draw(st.integers(0, 30)) :]
    return text


def changed_specs() -> st.SearchStrategy[str]:
    return changed_trees() | changed_texts()
