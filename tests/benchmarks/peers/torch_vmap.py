"""PyTorch's `torch.func`: the small network for many learning rates at once, `vmap` over a functional step."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from tests.benchmarks.peers._base import Work, read_work
from tests.benchmarks.peers._batches import BATCH_OF_TRIALS, report_batches
from tests.benchmarks.rows import Rows
from tests.benchmarks.timing import process_seconds
from tests.benchmarks.workloads.small import FEATURES, UNITS

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


def train(work: Work, rows: Rows, rates: Any) -> Any:
    """One batch of trials; returns their last validation losses."""
    networks = [nn.Sequential(nn.Linear(FEATURES, UNITS), nn.ReLU(), nn.Linear(UNITS, 1)) for _ in rates]
    weights, _ = stack_module_state(networks)
    template, entropy = networks[0].to("meta"), nn.functional.binary_cross_entropy_with_logits

    def loss(weights: dict[str, Any], features: Any, targets: Any) -> Any:
        return entropy(functional_call(template, weights, (features,)), targets)

    gradients, losses = vmap(grad_and_value(loss), in_dims=(0, None, None)), vmap(loss, in_dims=(0, None, None))
    first = {name: torch.zeros_like(value) for name, value in weights.items()}
    second = {name: torch.zeros_like(value) for name, value in weights.items()}
    weights = {name: value.detach() for name, value in weights.items()}
    features, targets = torch.from_numpy(rows.features), torch.from_numpy(rows.targets)
    held = tuple(map(torch.from_numpy, rows.validation or ()))
    step, validated = 0, None
    for _ in range(work.workload.epochs):
        for batch in torch.randperm(len(features)).split(work.workload.batch_size):
            step += 1
            found, _ = gradients(weights, features[batch], targets[batch])
            for name, gradient in found.items():
                first[name].lerp_(gradient, 1 - BETA_1)
                second[name].lerp_(gradient * gradient, 1 - BETA_2)
                scale = rates * (1 - BETA_2**step) ** 0.5 / (1 - BETA_1**step)
                moved = first[name] / (second[name].sqrt() + EPSILON)
                weights[name] -= scale.view(-1, *[1] * (moved.dim() - 1)) * moved
        validated = losses(weights, *held)
    return validated


def main() -> None:
    work, ends = read_work(), []
    rows, rates = work.rows(), torch.logspace(-4, -2, BATCH_OF_TRIALS)
    for _ in range(work.trials):
        train(work, rows, rates)
        ends.append(process_seconds())
    report_batches(ends)


if __name__ == "__main__":
    main()
