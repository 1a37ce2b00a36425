"""prediction_columns: a model's outputs -> the columns of a table, by what it was trained for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from seqjobs.data.dataset import Array
from seqjobs.jobspec.model_check import needs_integer, needs_one_hot, needs_yes_or_no, takes_probabilities
from seqjobs.tables import Named, complete_arguments

Columns = dict[str, pa.Array]

# Whose outputs are numbers that mean no classes, where the target has no strings.
_OF_NUMBERS = frozenset({"CosineSimilarity", "KLDivergence", "Circle"})


@dataclass(frozen=True, kw_only=True)
class PredictionColumns:
    """How outputs (rows, ...) are read. Make it with `of`."""

    read: Callable[[PredictionColumns, Array], Columns]
    classes: tuple[str, ...] | None
    from_logits: bool
    probable: bool
    """Whether outputs are probabilities, or become such."""

    @classmethod
    def of(cls, loss: Named, classes: tuple[str, ...] | None) -> Self:
        """By the loss, and by the strings of the target, if it had such."""
        is_class = (needs_integer(loss) or needs_one_hot(loss)) and (
            classes is not None or loss.name not in _OF_NUMBERS
        )
        read = _one_of_many if is_class else _yes_or_no if needs_yes_or_no(loss) else _numbers
        logits = complete_arguments(loss).get("from_logits") is True
        return cls(read=read, classes=classes, from_logits=logits, probable=takes_probabilities(loss))

    def columns(self, outputs: Array) -> Columns:
        """`prediction`, and `probability` or one for each class; several outputs are numbered."""
        flat = outputs.reshape(len(outputs), -1)
        # Of several places, as the steps of a sequence, no single class is predicted.
        return _numbers(self, flat) if outputs.ndim > 2 else self.read(self, flat)

    def named(self, indices: Array) -> pa.Array:
        """Classes by their numbers."""
        if self.classes is None:
            return pa.array(indices.astype(np.int64))
        return pa.array(self.classes, pa.string()).take(pa.array(indices.astype(np.int64)))


def _one_of_many(form: PredictionColumns, outputs: Array) -> Columns:
    found: Columns = {"prediction": form.named(outputs.argmax(axis=1))}
    if form.probable:
        names = form.classes or tuple(map(str, range(outputs.shape[1])))
        given = _softmax(outputs) if form.from_logits else outputs
        found |= {f"probability_{name}": pa.array(given[:, index]) for index, name in enumerate(names)}
    return found


def _yes_or_no(form: PredictionColumns, outputs: Array) -> Columns:
    given = 0.5 + 0.5 * np.tanh(0.5 * outputs) if form.from_logits else outputs  # the sigmoid, without overflow
    says_yes = given > (0.5 if form.probable else 0.0)
    names = form.classes if outputs.shape[1] == 1 else None
    found: Columns = {}
    for index, suffix in enumerate(_suffixes(outputs)):
        yes: Any = says_yes[:, index]
        found[f"prediction{suffix}"] = form.named(yes) if names else pa.array(yes.astype(np.int64))
    if form.probable:
        # Beside a class that is no yes, a bare probability would be read as that of the class.
        suffixes = [f"_{names[1]}"] if names and len(names) == 2 else _suffixes(outputs)
        found |= {f"probability{suffix}": pa.array(given[:, index]) for index, suffix in enumerate(suffixes)}
    return found


def _numbers(_: PredictionColumns, outputs: Array) -> Columns:
    return {f"prediction{suffix}": pa.array(outputs[:, index]) for index, suffix in enumerate(_suffixes(outputs))}


def _suffixes(outputs: Array) -> list[str]:
    width = outputs.shape[1]
    return [""] if width == 1 else [f"_{index}" for index in range(width)]


def _softmax(outputs: Array) -> Array:
    raised = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
