"""JAX as an expert would write it: `jit` of `vmap` over learning rates of `scan` over epochs and batches."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.benchmarks.peers._base import Work, read_work
from tests.benchmarks.peers._batches import BATCH_OF_TRIALS, report_batches
from tests.benchmarks.rows import Rows
from tests.benchmarks.timing import process_seconds
from tests.benchmarks.workloads.small import FEATURES, UNITS

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
Weights = Any


def initial(key: Any) -> Weights:
    kinds = (("in", FEATURES, UNITS), ("out", UNITS, 1))
    keys = jax.random.split(key, len(kinds))
    limits = [(6 / (rows + columns)) ** 0.5 for _, rows, columns in kinds]
    return {
        name: (jax.random.uniform(own, (rows, columns), minval=-limit, maxval=limit), jnp.zeros(columns))
        for (name, rows, columns), own, limit in zip(kinds, keys, limits, strict=True)
    }


def evaluate(weights: Weights, features: Any, targets: Any) -> tuple[Any, Any]:
    """The loss, and how many were right."""
    hidden = jax.nn.relu(features @ weights["in"][0] + weights["in"][1])
    logits = hidden @ weights["out"][0] + weights["out"][1]
    losses = jnp.maximum(logits, 0) - logits * targets + jnp.log1p(jnp.exp(-jnp.abs(logits)))
    return losses.mean(), ((logits > 0) == (targets > 0.5)).sum()


def step(rate: Any, state: Any, batch: Any) -> tuple[Any, Any]:
    """Adam, as Keras writes it."""
    weights, first, second, count = state
    (loss, right), gradient = jax.value_and_grad(evaluate, has_aux=True)(weights, *batch)
    count += 1
    first = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), first, gradient)
    second = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), second, gradient)
    scale = rate * jnp.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
    weights = jax.tree.map(lambda w, m, v: w - scale * m / (jnp.sqrt(v) + EPSILON), weights, first, second)
    return (weights, first, second, count), (loss * len(batch[0]), right)


@partial(jax.jit, static_argnames="size")
def fit(rates: Any, orders: Any, features: Any, targets: Any, held: Any, size: int) -> Any:
    """Histories of all trials: loss, accuracy and both of the validation, (trials, epochs) each."""
    rows = len(features)
    whole = rows // size * size

    def one(rate: Any) -> Any:
        weights = initial(jax.random.key(0))
        zeros = jax.tree.map(jnp.zeros_like, weights)

        def epoch(state: Any, order: Any) -> Any:
            shuffled = features[order], targets[order]
            batches = tuple(part[:whole].reshape(-1, size, part.shape[1]) for part in shuffled)
            state, (losses, right) = jax.lax.scan(partial(step, rate), state, batches)
            state, (last, last_right) = step(rate, state, tuple(part[whole:] for part in shuffled))
            tested, tested_right = evaluate(state[0], *held)
            trained = (losses.sum() + last) / rows, (right.sum() + last_right) / rows
            return state, (*trained, tested, tested_right / len(held[0]))

        return jax.lax.scan(epoch, (weights, zeros, zeros, 0.0), orders)[1]

    return jax.vmap(one)(rates)


def main() -> None:
    work, ends = read_work(), []
    rows = work.rows()
    for seed in range(work.trials):
        ends.append(_one_batch(work, rows, seed))
    report_batches(ends)


def _one_batch(work: Work, rows: Rows, seed: int) -> float:
    random = np.random.default_rng(seed)
    orders = np.stack([random.permutation(len(rows.features)) for _ in range(work.workload.epochs)])
    rates = np.geomspace(1e-4, 1e-2, BATCH_OF_TRIALS).astype(np.float32)
    found = fit(rates, orders, rows.features, rows.targets, rows.validation, work.workload.batch_size)
    jax.block_until_ready(found)
    return process_seconds()


if __name__ == "__main__":
    main()
