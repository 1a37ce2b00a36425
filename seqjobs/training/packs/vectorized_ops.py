"""Vectorized forms of operations for which TensorFlow's `vectorized_map` has none.

TensorFlow has no public way to add one; `RegisterPFor` is how its own are added. A form that TensorFlow has by then is
left alone.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor


def _bitcast(pfor_input: Any) -> Any:
    return pfor.wrap(tf.bitcast(pfor_input.stacked_input(0), pfor_input.get_attr("type")), True)


def register() -> None:
    """Adds the forms; once a process."""
    for name, convert in (("Bitcast", _bitcast),):
        if name not in pfor._pfor_converter_registry:
            pfor.RegisterPFor(name)(convert)
