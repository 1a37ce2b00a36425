"""tokens: the words of a text as whole numbers, for an Embedding."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import Learner, Note, Operation, Values, unlike
from seqjobs.data.preprocess.categories import by_frequency
from seqjobs.errors import DataError

PADDING, UNSEEN, FIRST = 0, 1, 2
APOSTROPHES = "'\u2019"
_WORD = re.compile(rf"\w+(?:[{APOSTROPHES}]\w+)*")
# Python makes two characters of the first, of which one is no letter, and the second of a capital sigma ending a word.
_DOTTED_I, _FINAL_SIGMA, _SIGMA = "\u0130", "\u03c2", "\u03c3"


@final
@dataclass(frozen=True, kw_only=True)
class Tokens(Operation):
    """A word is letters, digits and underscores, with apostrophes inside: Unicode's, in any script with spaces."""

    length: int
    vocabulary: int = 10_000
    min_count: int = 1
    lowercase: bool = True
    words: tuple[str, ...] | None = None
    """Those with a number of their own, from 2 on in this order."""

    def output(self, given: ColumnType) -> ColumnType:
        if given.kind != "string" or given.shape != ():
            raise unlike(given, "texts", "give it a column of strings.")
        return ColumnType(kind="integer", dtype="int32", shape=(self.length,))

    def learner(self) -> Learner | None:
        return _Learner(self) if self.words is None else None

    def apply(self, values: Values, note: Note) -> Values:
        assert isinstance(values, pa.Array)
        note("null", np.asarray(values.is_null()))
        known = {word: number for number, word in enumerate(self.words or (), FIRST)}
        made = np.zeros((len(values), self.length), np.int32)
        for row, text in enumerate(values.to_pylist()):
            found = [known.get(word, UNSEEN) for word in self.split(text)[: self.length]]
            made[row, : len(found)] = found
        return made

    def split(self, text: str | None) -> list[str]:
        """The words of a text, none of a null."""
        if text is None:
            return []
        return _WORD.findall(lowered(text) if self.lowercase else text)


def lowered(text: str) -> str:
    """Each letter by itself, whatever stands beside it; there is one small sigma."""
    return text.replace(_DOTTED_I, "i").lower().replace(_FINAL_SIGMA, _SIGMA)


@final
class _Learner:
    def __init__(self, operation: Tokens) -> None:
        self._operation = operation
        self._counts: Counter[str] = Counter()

    def add(self, values: Values) -> None:
        assert isinstance(values, pa.Array)
        for text in values.to_pylist():
            self._counts.update(self._operation.split(text))

    def finish(self) -> Tokens:
        operation = self._operation
        frequent = [word for word in by_frequency(self._counts) if self._counts[word] >= operation.min_count]
        if not frequent:
            raise DataError("E403", "the texts of the training rows have no words", fix="leave the column out.")
        return replace(operation, words=tuple(frequent[: operation.vocabulary]))
