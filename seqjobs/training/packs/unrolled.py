"""Recurrent layers with their steps written out: of Keras's loop `tf.vectorized_map` makes what XLA does not take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import keras


@final
class SimpleRNN(keras.layers.SimpleRNN):  # type: ignore[misc]
    """The variables, draws and numbers of Keras's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "unroll": True})


UNROLLED: Mapping[str, type[keras.layers.Layer]] = {"SimpleRNN": SimpleRNN}
