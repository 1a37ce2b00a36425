"""fields_of: the year, month and so on of times in strings, in Keras's own layers.

Which character is a digit of which field follows from the form of a text: which of its characters are digits, dashes,
colons. There are some hundred forms, and a form is looked up as the words of a text are.
"""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from seqjobs.data.dataset import Array
from seqjobs.training.raw_places import place_of

_SPACES = [chr(code) for code in range(0x3001) if chr(code).isspace()]  # the last is U+3000
_MARKS = {"-": "-", ":": ":", ".": ".", ",": ".", "+": "+", "Z": "Z"}
_DIGITS = "0123456789"
# Numbers of characters as Keras has them: 0 is behind the end, and 1 what is none of these.
_CHARACTERS = [*_DIGITS, *_MARKS, *_SPACES]
_FIRST_DIGIT = 2
_FIRST_SPACE = _FIRST_DIGIT + len(_DIGITS) + len(_MARKS)
# In a form, a letter is a digit of the field; T is any mark between date and time.
_KINDS = "dT-:.+Z"
_DATES = ("YYYY-MM-DD", "YYYYMMDD")
_FRACTIONS = [f".{'f' * count}" for count in range(1, 7)] + [f".{'f' * 6}{'_' * count}" for count in range(1, 4)]
_CLOCKS = [
    *("Thh", "Thh:mm", "Thh:mm:ss", *(f"Thh:mm:ss{fraction}" for fraction in _FRACTIONS)),
    *("Thhmm", "Thhmmss", *(f"Thhmmss{fraction}" for fraction in _FRACTIONS)),
]
_OFFSETS = ["", "Z", *(f"{sign}{form}" for sign in "+-" for form in ("HH", "HH:NN", "HHNN", "HH:NN:SS"))]
FORMS = tuple(date + clock for date in _DATES for clock in ("", *map("".join, itertools.product(_CLOCKS, _OFFSETS))))
"""Of ISO 8601, but for weeks. The clock of the place counts, its offset from UTC does not."""
_LONGEST = max(map(len, FORMS))
_FIELDS = {"Y": 4, "M": 2, "D": 2, "h": 2, "m": 2, "s": 2, "f": 6, "H": 2, "N": 2, "S": 2}
_DAY_SECONDS = 86_400


def fields_of(texts: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Year, month, day, second of the day, microsecond (rows, 1) int64 of strings (rows, 1); and whether it is a time.

    The last does not know how many days a month has.
    """
    characters = _stripped(
        keras.layers.TextVectorization(standardize=None, split="character", vocabulary=_CHARACTERS)(texts)
    )
    kinds = ops.take(_kinds_of_characters(), characters)
    columns = [kinds[:, index : index + 1] for index in range(_LONGEST + 1)]
    form = place_of(columns, _forms(), len(_KINDS).bit_length())
    digits = ops.clip(ops.subtract(characters, _FIRST_DIGIT), 0, 9)
    places = ops.take(_digit_places(), ops.reshape(form, (-1,)), axis=0)
    # The place behind the longest form stands for a digit that a form has not.
    digits = ops.where(ops.equal(places, _LONGEST), 0, ops.take_along_axis(digits, places, axis=-1))
    found, begin = {}, 0
    for field, count in _FIELDS.items():
        worth = np.array([10**power for power in reversed(range(count))], np.int64).reshape(1, -1)
        found[field] = ops.sum(ops.multiply(digits[:, begin : begin + count], worth), axis=-1, keepdims=True)
        begin += count
    seconds = _seconds(found["h"], found["m"], found["s"])
    is_time = ops.greater(form, 0)
    for field, least, most in (("Y", 1, 9999), ("M", 1, 12), ("h", 0, 23), ("m", 0, 59), ("s", 0, 59)):
        is_within = ops.logical_and(ops.greater_equal(found[field], least), ops.less_equal(found[field], most))
        is_time = ops.logical_and(is_time, is_within)
    offset = _seconds(found["H"], found["N"], found["S"])
    is_time = ops.logical_and(is_time, ops.less(offset, _DAY_SECONDS))
    return found["Y"], found["M"], found["D"], seconds, found["f"], is_time


def _seconds(hours: Any, minutes: Any, seconds: Any) -> Any:
    return ops.add(ops.multiply(ops.add(ops.multiply(hours, 60), minutes), 60), seconds)


def _stripped(characters: Any) -> Any:
    """(rows, longest form + 1) from the first character on that is no space, and 0 behind the last."""
    characters = ops.pad(characters, [[0, 0], [0, _LONGEST + 1]])
    places = ops.subtract(ops.cumsum(ops.ones_like(characters), axis=-1), 1)
    is_space = ops.greater_equal(characters, _FIRST_SPACE)
    is_there = ops.logical_and(ops.greater(characters, 0), ops.logical_not(is_space))
    last = ops.max(ops.where(is_there, places, -1), axis=-1, keepdims=True)
    first = ops.minimum(ops.min(ops.where(is_there, places, 1 << 40), axis=-1, keepdims=True), ops.add(last, 1))
    taken = ops.add(first, np.arange(_LONGEST + 1).reshape(1, -1))
    return ops.where(ops.less_equal(taken, last), ops.take_along_axis(characters, taken, axis=-1), 0)


def _kinds_of_characters() -> Array:
    """Of each number of a character the number of its kind, from 1; 0 behind the end."""
    kinds = [*("d" for _ in _DIGITS), *_MARKS.values(), *("T" for _ in _SPACES)]
    return np.array([0, *(_KINDS.index(kind) + 1 for kind in ("T", *kinds))], np.int64)


def _forms() -> Array:
    """(forms, longest + 1) kinds."""
    known = np.zeros((len(FORMS), _LONGEST + 1), np.int64)
    for row, form in enumerate(FORMS):
        kinds = [each if each in _KINDS.replace("d", "") else "d" for each in form]
        known[row, : len(form)] = [_KINDS.index(kind) + 1 for kind in kinds]
    return known


def _digit_places() -> Array:
    """(1 + forms, digits of all fields): where in a text each is; those of the first row nowhere."""
    made = np.full((1 + len(FORMS), sum(_FIELDS.values())), _LONGEST, np.int64)
    for row, form in enumerate(FORMS, 1):
        begin = 0
        for field, count in _FIELDS.items():
            there = [place for place, each in enumerate(form) if each == field]
            made[row, begin : begin + len(there)] = there
            begin += count
    return made
