"""Sorting what TensorFlow and Keras raise into causes."""

from __future__ import annotations

import traceback

import tensorflow as tf

from seqjobs.errors import DataError
from seqjobs.training.outcome import Cause, Failure

MAX_MESSAGE_LENGTH = 500
_SHAPE_ERRORS = (ValueError, TypeError, NotImplementedError, KeyError, AttributeError)


def failure_of(error: BaseException) -> Failure:
    """What an exception raised while a trial was built or trained says about why it failed."""
    text = str(error).strip() or type(error).__name__
    return Failure(
        cause=_cause(error),
        message=_first_lines(text),
        traceback="".join(traceback.format_exception(error)),
    )


def _cause(error: BaseException) -> Cause:
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return Cause.OUT_OF_MEMORY
    if isinstance(error, tf.errors.InvalidArgumentError | tf.errors.OutOfRangeError | DataError):
        # What is wrong with values, which nobody knew when the graph was built: a label out of range, ...
        return Cause.DATA
    if isinstance(error, (*_SHAPE_ERRORS, tf.errors.UnimplementedError)):
        return Cause.SPEC
    return Cause.CRASH


def _first_lines(text: str) -> str:
    """The beginning of a message in one line: TensorFlow's go on with pages of graph."""
    line = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    return line if len(line) <= MAX_MESSAGE_LENGTH else line[: MAX_MESSAGE_LENGTH - 3] + "..."
