"""tokens: number the words of a text, for an Embedding."""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.errors import DataError
from seqjobs.operations._base import Layer, Learner, Note, Operation
from seqjobs.operations.arrays import Values, np, pa
from seqjobs.operations.categories import MAX_CATEGORIES, by_frequency
from seqjobs.operations.column_type import INDEX, ColumnType
from seqjobs.operations.pad import MAX_LENGTH
from seqjobs.operations.takes import TEXTS
from seqjobs.operations.text_counts import TextCounts
from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.arguments import Flag, Integer

PADDING, UNSEEN, FIRST = 0, 1, 2
_PUNCTUATION = string.punctuation.encode()
_LOWERCASE = bytes(range(256)).lower()


@final
@dataclass(frozen=True, kw_only=True)
class Tokens(Operation):
    """The numbers of keras.layers.TextVectorization(standardize="lower_and_strip_punctuation", split="whitespace").

    Letters, punctuation and white space are those of ASCII, as in the layer; without `lowercase` it is
    standardize="strip_punctuation". The layer's `adapt` has equally frequent words in the reverse order.
    """

    entry = Entry(
        "tokens",
        "Convert the words of a text to `length` whole numbers, for an Embedding of `vocabulary` + 2. The most "
        "frequent word of the training rows is 2, a word beyond the `vocabulary` most frequent is 1, and 0 follows "
        "the last word. Words are those of `keras.layers.TextVectorization`: in lower case, without punctuation, "
        "split at white space.",
        {
            "length": Argument(Integer(at_most=MAX_LENGTH)),
            "vocabulary": Argument(Integer(at_most=MAX_CATEGORIES), 10_000),
            "min_count": Argument(Integer(), 1),
            "lowercase": Argument(Flag(), True),
        },
        alone="length",
    )
    takes = TEXTS

    length: int
    vocabulary: int = 10_000
    min_count: int = 1
    lowercase: bool = True
    words: tuple[str, ...] | None = None
    """The words with a number of their own, from 2 on in this order."""

    def makes(self, given: ColumnType) -> ColumnType:  # noqa: ARG002
        return replace(INDEX, shape=(self.length,))

    def learner(self) -> Learner | None:
        return _Learner(self) if self.words is None else None

    def apply(self, values: Values, note: Note) -> Values:
        assert isinstance(values, pa.Array)
        note("null", np.asarray(values.is_null()))
        known = {word.encode(): number for number, word in enumerate(self.words or (), FIRST)}
        made = np.full((len(values), self.length), PADDING, np.int32)
        for row, text in enumerate(values.to_pylist()):
            found = [known.get(word, UNSEEN) for word in self.split(text or "")[: self.length]]
            made[row, : len(found)] = found
        return made

    def split(self, text: str) -> list[bytes]:
        """Return the words of a text, in UTF-8."""
        return text.encode().translate(_LOWERCASE if self.lowercase else None, _PUNCTUATION).split()

    def not_exportable(self, given: ColumnType) -> str:  # noqa: ARG002
        if any(word.endswith("\0") for word in self.words or ()):
            return "a word ends in a NUL, which Keras cuts off"
        return ""

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        layer: Layer = keras.layers.TextVectorization(
            standardize="lower_and_strip_punctuation" if self.lowercase else "strip_punctuation",
            split="whitespace",
            output_sequence_length=self.length,
            vocabulary=list(self.words or ()),
        )
        return layer


@final
class _Learner(Learner):
    def __init__(self, operation: Tokens) -> None:
        self._operation = operation
        self._counts = TextCounts[bytes]()

    @property
    def num_bytes(self) -> int:
        return self._counts.num_bytes

    def add(self, values: Values) -> None:
        assert isinstance(values, pa.Array)
        for text in values.to_pylist():
            self._counts.update(self._operation.split(text or ""))

    def finish(self) -> Tokens:
        operation = self._operation
        counts = {word.decode(): count for word, count in self._counts.items() if count >= operation.min_count}
        if not counts:
            often = "" if operation.min_count == 1 else f" that they have {operation.min_count} times"
            raise DataError("E417", f"the texts of the training rows have no words{often}", fix="leave the column out.")
        return replace(operation, words=tuple(by_frequency(counts)[: operation.vocabulary]))
