"""Tokenizer: the words of texts as numbers in Keras's own layers, as `data/preprocess/tokens.py` has them.

Keras's TextVectorization tells characters apart, and no words as Unicode has them; so words are put together of those.
"""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Any, final

import keras
import numpy as np
from keras import ops

from seqjobs.data.dataset import Array
from seqjobs.data.preprocess.tokens import APOSTROPHES, FIRST, PADDING, UNSEEN, Tokens, lowered
from seqjobs.training.raw_places import BITS, looked_up, place_of

_END = np.int64(1 << 40)  # behind every text
_FIRST_CHARACTER = 2  # 0 is behind the end, and 1 what is in no word


@final
class Tokenizer:
    """All columns of a model share the layer that tells characters apart: it has the 130,000 of Unicode's words."""

    def __call__(self, operation: Tokens, column: Any) -> Any:
        """(rows, length) float64 of texts (rows, 1)."""
        characters = self._layer(column)
        if operation.lowercase:
            characters = self._in_lowercase(characters)
        words = operation.words or ()
        letters, known = self._letters(words)
        group, bits = _group_of(len(letters))
        num_groups = -(-known.shape[1] // group)
        characters = ops.pad(characters, [[0, 0], [1, operation.length + num_groups * group]])
        begins, lengths = _words_in(characters, operation.length)
        keys = _runs(_among(characters, letters), group, bits)
        columns = [_cut(keys, begins, lengths, index * group, group, bits) for index in range(num_groups)]
        known = np.pad(known, [(0, 0), (0, num_groups * group - known.shape[1])])
        known_keys = (known.reshape(len(words), num_groups, group) << (np.arange(group) * bits)).sum(axis=-1)
        places = ops.where(ops.greater(lengths, num_groups * group), 0, place_of(columns, known_keys, group * bits))
        numbers = ops.where(ops.greater(places, 0), ops.add(places, FIRST - 1), UNSEEN)
        return ops.cast(ops.where(ops.greater(lengths, 0), numbers, PADDING), "float64")

    def _in_lowercase(self, characters: Any) -> Any:
        end = _FIRST_CHARACTER + len(APOSTROPHES) + len(self._changing)
        changed = ops.take(self._lower, ops.minimum(characters, end - 1))
        return ops.where(ops.less(characters, end), changed, characters)

    def _letters(self, words: tuple[str, ...]) -> tuple[list[int], Array]:
        """The characters of the words, and the words as the places of theirs from 1 (words, most letters)."""
        letters = sorted(set().union(*words))
        places = {letter: place for place, letter in enumerate(letters, 1)}
        known = np.zeros((len(words), max(map(len, words))), np.int64)
        for row, word in enumerate(words):
            known[row, : len(word)] = [places[letter] for letter in word]
        return [self._numbers[letter] for letter in letters], known

    @cached_property
    def _layer(self) -> keras.layers.TextVectorization:
        return keras.layers.TextVectorization(standardize=None, split="character", vocabulary=self._characters)

    @cached_property
    def _characters(self) -> list[str]:
        changing = set(self._changing)
        return [*APOSTROPHES, *self._changing, *(each for each in _of_words() if each not in changing)]

    @cached_property
    def _changing(self) -> list[str]:
        return [each for each in _of_words() if lowered(each) != each]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {each: number for number, each in enumerate(self._characters, _FIRST_CHARACTER)}

    @cached_property
    def _lower(self) -> Array:
        """Of the numbers of characters up to the last that changes."""
        same = range(_FIRST_CHARACTER + len(APOSTROPHES))
        return np.array([*same, *(self._numbers[lowered(each)] for each in self._changing)], np.int64)


def _of_words() -> list[str]:
    """What \\w stands for."""
    every = map(chr, range(sys.maxunicode + 1))
    return [each for each in every if each.isalnum() or each == "_"]


def _words_in(characters: Any, count: int) -> tuple[Any, Any]:
    """Where the first words begin, and how many characters they have (rows, count); 0 where there is none."""
    is_letter = ops.greater_equal(characters, _FIRST_CHARACTER + len(APOSTROPHES))
    is_mark = ops.logical_and(ops.greater_equal(characters, _FIRST_CHARACTER), ops.logical_not(is_letter))
    between = ops.logical_and(_shifted(is_letter, -1), _shifted(is_letter, 1))
    inside = ops.logical_or(is_letter, ops.logical_and(is_mark, between))
    begins = _first_places(ops.logical_and(inside, ops.logical_not(_shifted(inside, -1))), count)
    ends = _first_places(ops.logical_and(inside, ops.logical_not(_shifted(inside, 1))), count)
    is_there = ops.less(begins, _END)
    lengths = ops.where(is_there, ops.add(ops.subtract(ends, begins), 1), 0)
    return ops.where(is_there, begins, 0), lengths


def _shifted(flags: Any, by: int) -> Any:
    """What stands one place before (-1) or behind (1)."""
    if by < 0:
        return ops.pad(flags[:, :-1], [[0, 0], [1, 0]])
    return ops.pad(flags[:, 1:], [[0, 0], [0, 1]])


def _first_places(flags: Any, count: int) -> Any:
    places = ops.subtract(ops.cumsum(ops.ones_like(flags, dtype="int64"), axis=-1), 1)
    return ops.sort(ops.where(flags, places, _END), axis=-1)[:, :count]


def _among(characters: Any, letters: list[int]) -> Any:
    """The place of each character among the letters from 1, and behind the last for all others."""
    places = looked_up(characters, letters)
    return ops.where(ops.equal(places, 0), np.int64(len(letters) + 1), places)


def _group_of(num_letters: int) -> tuple[int, int]:
    """How many characters one number holds, a power of two, and the bits of each."""
    bits = (num_letters + 1).bit_length()
    return 1 << (BITS // bits).bit_length() - 1, bits


def _runs(characters: Any, group: int, bits: int) -> Any:
    """Of each place, the number that holds its character and those behind it."""
    keys, width = characters, 1
    while width < group:
        behind = ops.pad(keys[:, width:], [[0, 0], [0, width]])
        keys = ops.add(keys, ops.multiply(behind, np.int64(1 << bits * width)))
        width *= 2
    return keys


def _cut(keys: Any, begins: Any, lengths: Any, skipped: int, group: int, bits: int) -> Any:
    """Of each word, the number of its characters behind those that are skipped, and of no other's."""
    left = ops.clip(ops.subtract(lengths, skipped), 0, group)
    bounds = ops.take(np.array([1 << bits * count for count in range(group + 1)], np.int64), left)
    # A word that has ended may stand at the end of the text, behind which nothing is.
    places = ops.where(ops.greater(left, 0), ops.add(begins, skipped), 0)
    return ops.mod(ops.take_along_axis(keys, places, axis=-1), bounds)
