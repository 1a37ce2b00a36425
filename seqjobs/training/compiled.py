"""Compiled: a function over rows that TensorFlow compiles once for every shape of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, final

import tensorflow as tf

from seqjobs.planning.compile_rule import Compilation
from seqjobs.training.graph_rows import Tensors


@final
class Compiled:
    """Takes groups of tensors. Compiles when it first meets their shapes; op by op for EAGER.

    A `tf.function` looks its arguments over at every call, which takes as long as an epoch of a small model does; the
    concrete functions kept here do not.
    """

    seconds = 0.0
    """What compiling has taken in this process, with the first call of each function."""

    def __init__(self, function: Callable[..., Any], compilation: Compilation) -> None:
        self._function = function
        self._compilation = compilation
        self._concrete: dict[tuple[Any, ...], Callable[..., Any]] = {}

    def __call__(self, *groups: Tensors) -> Any:
        if self._compilation is Compilation.EAGER:
            return self._function(*groups)
        shapes = tuple(tuple((part.shape, part.dtype) for part in group) for group in groups)
        concrete = self._concrete.get(shapes)
        return self._first(shapes, groups) if concrete is None else concrete(*groups)

    def _first(self, shapes: tuple[Any, ...], groups: tuple[Tensors, ...]) -> Any:
        """Traces, and calls for the first time, which is when XLA compiles."""
        began = time.monotonic()
        xla = self._compilation is Compilation.XLA
        traced = tf.function(self._function, autograph=False, jit_compile=xla)
        concrete = self._concrete[shapes] = traced.get_concrete_function(*groups)
        found = concrete(*groups)
        Compiled.seconds += time.monotonic() - began
        return found
