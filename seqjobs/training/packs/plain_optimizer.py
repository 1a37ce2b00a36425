"""Keras's optimizers without what the TensorFlow backend adds to them for `tf.distribute`."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras

_BASES = keras.optimizers.Optimizer.__mro__
_OF_BACKEND = _BASES[1]
"""`TFOptimizer`: it updates TensorFlow's variables in place, in every replica, and refuses to be stateless."""
_OF_ALL_BACKENDS = next(base for base in _BASES if base.__name__ == "BaseOptimizer")

_PLAIN: Any = type(
    "_PlainOptimizer",
    (keras.optimizers.Optimizer,),
    {
        name: vars(_OF_ALL_BACKENDS)[name]
        for name, method in vars(_OF_BACKEND).items()
        if callable(method) and name != "__init__" and name in vars(_OF_ALL_BACKENDS)
    },
)
"""Stands before `Optimizer`, and so before the backend's, in the bases of a class that has it as a second parent."""


@cache
def plain(kind: type[keras.optimizers.Optimizer]) -> type[keras.optimizers.Optimizer]:
    """The optimizer as Keras writes it for every backend, whose state may be tensors: same variables, same numbers."""
    return type(kind.__name__, (kind, _PLAIN), {})
