"""One training step against what the core can do: the rate of TensorFlow's own matrix products on one thread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from seqjobs.planning.trial import Pack
from tests.benchmarks.results import Roofline
from tests.benchmarks.subject.one_core import OneCore
from tests.benchmarks.workloads import Product, Workload

REPEATS = 3
STEPS_SECONDS = 1.5
"""How long the steps of a sample should take, so that what is done once a trial does not matter."""
SQUARE = 2048
PRODUCT_SECONDS = 0.5
MAX_OPERAND_BYTES = 2**26


def roofline(core: OneCore) -> Roofline:
    """The step is that of a pack as the speed is measured with, without validation.

    Its time is the difference between a training of many epochs and one of one, divided by the steps in between;
    rates are measured before and after, and the median of all is taken, since a neighbour may slow the core down.
    """
    workload = core.workload
    rates = [_rates(workload)]
    compiled = core.train(core.plan().packs[0])[1][0].compiled
    few = _pack(core, compiled, 1)
    seconds, outcomes = min((core.train(few) for _ in range(3)), key=lambda found: found[0])
    epochs = min(max(round(STEPS_SECONDS / seconds), 2), 500)
    many = _pack(core, compiled, 1 + epochs)
    steps = epochs * (-(-workload.rows // workload.batch_size))
    samples = []
    for _ in range(REPEATS):
        less, more = core.train(few)[0], core.train(many)[0]
        samples.append((more - less) / steps)
        rates.append(_rates(workload))
    return Roofline(
        workload=workload.name,
        members=len(outcomes),
        compiled=compiled,
        flops=workload.flops * len(outcomes),
        step_seconds=tuple(samples),
        square_gflops=statistics.median(square for square, _ in rates),
        own_gflops=statistics.median(own for _, own in rates),
    )


def _pack(core: OneCore, compiled: str, epochs: int) -> Pack:
    """Without validation; of the program that `auto` chose, whatever the number of epochs."""
    overrides = [f"fit.compile={compiled}", f"fit.epochs={epochs}", "fit.validation_split=0", "data.validation=null"]
    return core.plan(*overrides, "objective.metric=loss").packs[0]


def _rates(workload: Workload) -> tuple[float, float]:
    """GFLOP/s of a large square product, and of the products of the workload's own step."""
    square = Product(rows=SQUARE, inner=SQUARE, columns=SQUARE, first=True)
    own = sum(_seconds(product) for product in workload.products)
    return square.flops / _seconds(square) / 1e9, workload.flops / own / 1e9


def _seconds(product: Product) -> float:
    """One layer's products, forward and of the gradients, on operands that change as they do in training."""
    rows, inner, columns = product.rows, product.inner, product.columns
    operand_bytes = 4 * (rows * inner + rows * columns)
    count = max(1, min(16, MAX_OPERAND_BYTES // operand_bytes))
    inputs = [_operand(rows, inner) for _ in range(count)]
    gradients = [_operand(rows, columns) for _ in range(count)]
    kernel = _operand(inner, columns)

    @tf.function  # type: ignore[untyped-decorator]
    def products() -> list[Any]:
        found = [tf.matmul(value, kernel) for value in inputs]
        found += [
            tf.matmul(value, gradient, transpose_a=True) for value, gradient in zip(inputs, gradients, strict=True)
        ]
        if not product.first:
            found += [tf.matmul(gradient, kernel, transpose_b=True) for gradient in gradients]
        return found

    return product.times * _fastest(products) / count


def _operand(rows: int, columns: int) -> Any:
    return tf.constant(np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32))


def _fastest(work: Callable[[], Any]) -> float:
    """The least time a call took: what the core can do when nobody else has it."""
    work()
    began, fastest = time.perf_counter(), float("inf")
    while time.perf_counter() - began < PRODUCT_SECONDS:
        start = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest
