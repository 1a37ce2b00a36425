"""evaluate_model: loss and metrics of a finished model, as Keras's `evaluate` has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import keras
import numpy as np
import tensorflow as tf

from seqjobs.data.dataset import Array, Split
from seqjobs.data.new_features import scale_of
from seqjobs.errors import DataError
from seqjobs.jobspec.model_check import needs_integer, needs_one_hot
from seqjobs.planning.compile_rule import Compilation
from seqjobs.training.compiled import Compiled
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.prediction import built
from seqjobs.training.rows import Form, Rows
from seqjobs.training.value_check import check_splits


def evaluate_model(model: FinishedModel, blocks: Iterable[Split]) -> Mapping[str, float]:
    """Loss and metrics over all rows of `blocks`, by their weights where they have some.

    Batches are those of the trial's `fit.batch_size`, as in its validation. Raises DataError, E418 and E419 too.
    """
    keras_model, spec = built(model), model.trial.spec
    step = Compiled(lambda rows: keras_model.test_step(rows), Compilation.GRAPH)  # noqa: PLW0108 (Keras replaces it)
    scale = scale_of(model.preparation)
    is_first = True
    for split in _batches(blocks, spec.fit.batch_size):
        check_splits(spec, [split], scale, keras_model)
        form = _form(model, split, scale, keras_model)
        rows = Rows(split=split, form=form, weights=split.weight).ready(slice(None))
        if is_first:
            keras_model.test_step(tuple(part[:2] for part in rows))  # which makes the metrics' variables
            keras_model.reset_metrics()
            is_first = False
        step(tuple(tf.constant(part) for part in rows))
    return {name: float(value) for name, value in keras_model.get_metrics_result().items()}


def _form(model: FinishedModel, split: Split, scale: Array | None, keras_model: keras.Sequential) -> Form:
    loss = model.trial.spec.compile.loss
    is_class = split.target.dtype == np.int32
    outputs = int(keras_model.output_shape[-1])
    one_hot = needs_one_hot(loss) and is_class
    if one_hot and (wrong := split.target[(split.target < 0) | (split.target >= outputs)]).size:
        what = f"the target holds class {wrong[0]}, the model has outputs for 0 to {outputs - 1}"
        raise DataError("E418", what, fix="leave these rows out.")
    return Form(scale=scale, num_classes=outputs if one_hot else None, integer=needs_integer(loss))


def _batches(blocks: Iterable[Split], size: int) -> Iterator[Split]:
    """The same rows, `size` of them at a time but for the last ones."""
    waiting: list[Split] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) < size:
            continue
        joined = _joined(waiting)
        full = len(joined) - len(joined) % size
        yield from (joined.part(slice(start, start + size)) for start in range(0, full, size))
        waiting = [joined.part(slice(full, None))]
    if sum(map(len, waiting)):
        yield _joined(waiting)


def _joined(splits: list[Split]) -> Split:
    weights = [split.weight for split in splits if split.weight is not None]
    return Split(
        features=np.concatenate([split.features for split in splits]),
        target=np.concatenate([split.target for split in splits]),
        weight=np.concatenate(weights) if weights else None,
    )
