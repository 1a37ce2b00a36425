"""Specs with one to three mistakes made at random, so fast that reading them takes all of the time."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from tests.bad_input.expectation import SPECS
from tests.spec import mutations
from tests.spec.mutations import KEYS, NAMES, PIECES, SCALARS, TEXTS, TREES

CORPUS = tuple(path.read_text(encoding="utf-8") for path in sorted(SPECS.iterdir()))
HOSTILE: tuple[Any, ...] = (
    {"class_name": "function", "config": "system", "module": "os"},
    {"class_name": "Lambda", "config": {}},
    {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None},
    *("/etc/passwd", "../../secret.parquet", "http://169.254.169.254/latest", "gs://bucket/words", "os.system"),
    *("keras>Lambda", "model.keras", "$(touch pwned)", "!!python/none", "__import__", "%s%n"),
)
KINDS = ("uniform", "log_uniform", "int_uniform", "log_int_uniform")
BOUNDS = (0, 1, 2, 32, -1, 0.1, 1e-4, 1e300, 10**30, True, "x", None)
CHANGES: tuple[Callable[[Any, Any, Any], None], ...] = (
    *(mutations.delete, mutations.replace, mutations.replace, mutations.replace, mutations.rename),
    *(mutations.wrap, mutations.double, mutations.vary, mutations.deepen),
)
LETTERS = "abcdefghijklmnopqrstuvwxyz_AD09.\x1b\u202e"


def mutated(source: random.Random) -> str:
    """The text of a spec with mistakes; `source` alone decides which."""
    return _mutated_tree(source) if source.random() < 0.5 else _mutated_text(source)


def _mutated_tree(source: random.Random) -> str:
    tree = copy.deepcopy(source.choice(TREES))
    if source.random() < 0.1:
        tree["variants"] = [{source.choice(KEYS): _value(source)} for _ in range(source.randint(0, 3))]
    for _ in range(source.randint(1, 3)):
        places = list(mutations.places(tree))
        if not places:
            break
        container, key = source.choice(places)
        change = source.choice((*CHANGES, *OWN_CHANGES))
        change(container, key, source if change in OWN_CHANGES else _value(source))
    return json.dumps(tree, ensure_ascii=source.random() < 0.5, indent=1)


def _mutated_text(source: random.Random) -> str:
    text = source.choice((*TEXTS, *CORPUS))
    for _ in range(source.randint(1, 3)):
        at, length = source.randint(0, len(text)), source.randint(0, 30)
        taken = text[at : at + length]
        piece = source.choice(
            (*PIECES, "", "", taken, taken * 2, str(source.choice(SCALARS)), chr(source.randint(0, 300)))
        )
        text = text[:at] + piece + text[at + source.randint(0, length) :]
    return text


def _value(source: random.Random, depth: int = 0) -> Any:
    """A scalar, something hostile, a dimension, or a little of everything inside one another."""
    kind = source.random()
    if kind < 0.5 or depth > 3:
        return source.choice(SCALARS)
    if kind < 0.65:
        return source.choice(HOSTILE)
    if kind < 0.75:
        return {source.choice(KINDS): [source.choice(BOUNDS) for _ in range(source.randint(1, 3))]}
    if kind < 0.85:
        return {"choice": [_value(source, depth + 1) for _ in range(source.randint(0, 3))]}
    if kind < 0.93:
        return [_value(source, depth + 1) for _ in range(source.randint(0, 3))]
    return {source.choice(NAMES): _value(source, depth + 1) for _ in range(source.randint(0, 3))}


def _misspell(container: Any, key: Any, source: random.Random) -> None:
    """One character more, less or another, in the key or, in a list, in the value."""
    word = str(key if isinstance(container, dict) else container[key])
    at, letter = source.randint(0, len(word)), source.choice(LETTERS)
    near = source.choice(
        (word[:at] + letter + word[at:], word[:at] + word[at + 1 :], word[:at] + letter + word[at + 1 :])
    )
    if isinstance(container, dict):
        container[near] = container.pop(key)
    else:
        container[key] = near


def _swap(container: Any, key: Any, source: random.Random) -> None:
    """Two values of one mapping or list change places."""
    other = source.choice(list(container) if isinstance(container, dict) else range(len(container)))
    container[key], container[other] = container[other], container[key]


def _scale(container: Any, key: Any, source: random.Random) -> None:
    """Another number of the same kind, most often within the bounds."""
    value = container[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        container[key] = type(value)(value * source.choice((0, 0.5, 2, 3, -1, 1000)) + source.choice((0, 0, 1, -1)))


OWN_CHANGES = (_misspell, _swap, _scale, _scale, _scale)
