"""Rows inside a compiled function: a batch of them, made ready for a model."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from seqjobs.training.rows import Form

Tensors = tuple[Any, ...]
"""Rows as they are stored: features (n, *shape), target (n,) and, where rows have them, weights (n,)."""


def batch_at(rows: Tensors, index: Any, size: int) -> Tensors:
    """The batch with that number, counted from 0."""
    return tuple(_slice(part, index * size, size) for part in rows)


def ready(rows: Tensors, form: Form) -> Tensors:
    """Rows as a model takes them; see `Rows.ready`, which does the same to arrays."""
    stored, target, *weights = rows
    features = tf.cast(stored, tf.float32)
    if form.scale is not None:
        features *= form.scale
    if form.num_classes is not None:
        target = tf.one_hot(target, form.num_classes, dtype=tf.float32)
    elif not form.integer:
        target = tf.cast(target, tf.float32)
    return (features, target, *weights)


def _slice(part: Any, start: Any, size: int) -> Any:
    others = part.shape[1:]
    return tf.slice(part, [start, *[0] * len(others)], [size, *others])
