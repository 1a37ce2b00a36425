"""Compiled: a function over rows that TensorFlow compiles once for every shape of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import tensorflow as tf

from seqjobs.training.compile_rule import Compilation
from seqjobs.training.steps import Tensors


@final
class Compiled:
    """Takes groups of tensors. Compiles when it first meets their shapes; op by op for EAGER.

    A `tf.function` looks its arguments over at every call, which takes as long as an epoch of a small model does; the
    concrete functions kept here do not.
    """

    def __init__(self, function: Callable[..., Any], compilation: Compilation) -> None:
        self._function = function
        self._compilation = compilation
        self._concrete: dict[tuple[Any, ...], Callable[..., Any]] = {}

    def __call__(self, *groups: Tensors) -> Any:
        if self._compilation is Compilation.EAGER:
            return self._function(*groups)
        shapes = tuple(tuple((part.shape, part.dtype) for part in group) for group in groups)
        concrete = self._concrete.get(shapes)
        if concrete is None:
            xla = self._compilation is Compilation.XLA
            traced = tf.function(self._function, autograph=False, jit_compile=xla)
            concrete = self._concrete[shapes] = traced.get_concrete_function(*groups)
        return concrete(*groups)
