"""Layers for steps over several devices: what the rows of a batch share, they take from the whole batch.

Each has the name of Keras's layer that it stands for, its variables and its draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, final

import keras
import tensorflow as tf

from seqjobs.training.share import Share


@final
class WholeBatch:
    """The batch that a step is traced for, of which each replica has a part; layers and steps look at it."""

    rows = 0

    def __init__(self, replicas: int, share: Share) -> None:
        self.replicas = replicas
        self.share = share
        """What of the batch this process has."""

    def held(self, replica: int) -> slice:
        """The rows of a replica of this process, among those that the process has."""
        devices = self.replicas // self.share.workers
        on_device = Share(index=replica % devices, workers=devices, batch_size=self.share.batch_size)
        return on_device.part(self.share.count(self.rows))

    def here(self) -> slice:
        """The rows of the replica that is being traced, in the whole batch."""
        replica = int(tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group))
        held, first = self.held(replica), self.share.part(self.rows).start
        return slice(first + held.start, first + held.stop)


class _Noisy:
    """What draws for each row, and acts in training alone; stands in front of Keras's layer."""

    whole_batch: WholeBatch

    def call(self, inputs: Any, training: bool = False) -> Any:
        act: Callable[..., Any] = super().call  # type: ignore[misc]
        if not training:
            return act(inputs, training=False)
        return _as_of_whole_batch(self.whole_batch, lambda rows: act(rows, training=True), inputs)


@final
class Dropout(_Noisy, keras.layers.Dropout):  # type: ignore[misc]
    pass


@final
class SpatialDropout1D(_Noisy, keras.layers.SpatialDropout1D):  # type: ignore[misc]
    pass


@final
class SpatialDropout2D(_Noisy, keras.layers.SpatialDropout2D):  # type: ignore[misc]
    pass


@final
class SpatialDropout3D(_Noisy, keras.layers.SpatialDropout3D):  # type: ignore[misc]
    pass


@final
class AlphaDropout(_Noisy, keras.layers.AlphaDropout):  # type: ignore[misc]
    pass


@final
class GaussianDropout(_Noisy, keras.layers.GaussianDropout):  # type: ignore[misc]
    pass


@final
class GaussianNoise(_Noisy, keras.layers.GaussianNoise):  # type: ignore[misc]
    pass


@final
class RandomFlip(_Noisy, keras.layers.RandomFlip):  # type: ignore[misc]
    pass


@final
class RandomRotation(_Noisy, keras.layers.RandomRotation):  # type: ignore[misc]
    pass


@final
class RandomZoom(_Noisy, keras.layers.RandomZoom):  # type: ignore[misc]
    pass


@final
class RandomTranslation(_Noisy, keras.layers.RandomTranslation):  # type: ignore[misc]
    pass


@final
class RandomContrast(_Noisy, keras.layers.RandomContrast):  # type: ignore[misc]
    pass


@final
class RandomBrightness(_Noisy, keras.layers.RandomBrightness):  # type: ignore[misc]
    pass


@final
class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    whole_batch: WholeBatch

    def _moments(self, inputs: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and variance of the whole batch, (channels,) each, as Keras's: the variance around the mean."""
        axes = self._reduction_axes  # (that of rows, and all others but the channels')
        if mask is None:
            kept = tf.constant(True)
            (sums,) = _totals(tf.reduce_sum(inputs, axes, keepdims=True))
            of_each_row = tf.size(inputs[:1]) // inputs.shape[self.axis]
            count = self.whole_batch.rows * tf.cast(of_each_row, inputs.dtype)
        else:
            kept = tf.broadcast_to(tf.cast(mask, tf.bool)[..., None], tf.shape(inputs))
            parts = (tf.where(kept, inputs, 0.0), tf.cast(kept, inputs.dtype))
            sums, count = _totals(*(tf.reduce_sum(part, axes, keepdims=True) for part in parts))
            count += keras.config.epsilon()
        mean = sums / count
        # Without the gradient by this mean, as tf.nn.moments has it: it is zero.
        squares = tf.where(kept, tf.math.squared_difference(inputs, tf.stop_gradient(mean)), 0.0)
        (deviations,) = _totals(tf.reduce_sum(squares, axes, keepdims=True))
        return tf.reshape(mean, [-1]), tf.reshape(deviations / count, [-1])


MIRRORED: Mapping[str, type[keras.layers.Layer]] = {
    kind.__name__: kind
    for kind in (
        *(Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D),
        *(AlphaDropout, GaussianDropout, GaussianNoise, BatchNormalization),
        *(RandomFlip, RandomRotation, RandomZoom, RandomTranslation, RandomContrast, RandomBrightness),
    )
}
"""By the layer table's names. A model with these needs `look_at` before a step is traced."""


def look_at(whole_batch: WholeBatch, model: keras.Model) -> None:
    """Has the layers of a model take the batch of each step from there, also recurrent ones for their dropout."""
    for layer in model._flatten_layers():
        if type(layer) in MIRRORED.values():
            layer.whole_batch = whole_batch
        elif hasattr(layer, "_create_dropout_mask"):
            # A cell, which Keras makes itself, and again for each direction.
            layer._create_dropout_mask = partial(_masks, whole_batch, layer._create_dropout_mask)


def _masks(whole_batch: WholeBatch, create: Callable[..., Any], step_input: Any, rate: float) -> Any:
    return _as_of_whole_batch(whole_batch, lambda rows: create(rows, rate), step_input)


def _as_of_whole_batch(whole_batch: WholeBatch, noisy: Callable[[Any], Any], inputs: Any) -> Any:
    """The replica's rows as they come out of a whole batch, whose noise every replica draws alike.

    The generator's state thus moves on all replicas as it does on one device, with no word between them.
    """
    here = whole_batch.here()
    behind = [[0, 0]] * (len(inputs.shape) - 1)
    among_others = tf.pad(inputs, [[here.start, whole_batch.rows - here.stop], *behind])
    return tf.nest.map_structure(lambda rows: rows[here], noisy(among_others))


def _totals(*parts: Any) -> Any:
    """The sums over replicas of what each has."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, parts)
