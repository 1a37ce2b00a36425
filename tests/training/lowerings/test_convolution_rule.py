"""Which models' convolutions go to XLA."""

from __future__ import annotations

from typing import Any

import pytest

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.shapes import Shape
from seqjobs.planning.convolution_rule import MOST_OPERATIONS, convolutions_pay
from seqjobs.tables import Named, parse_layers
from seqjobs.training.lowerings.patches import patches_pay

pytestmark = pytest.mark.slow


def layers(*written: Any) -> tuple[Named, ...]:
    problems = Problems()
    parsed = parse_layers(list(written), ("model",), problems)
    assert parsed is not None
    return parsed


CONVOLUTION = {"Conv2D": {"filters": 10, "kernel_size": [3, 2], "padding": "same"}}
# 6 a weight and place: 10 filters of 3x2 over 5 channels at 4x4 places.
OPERATIONS = 6 * 10 * 3 * 2 * 5 * 16
INPUT: Shape = (4, 4, 5)


def largest_batch(*written: Any, shape: Shape = INPUT) -> int:
    """The largest batch at which a model's convolutions go to XLA."""
    batch = 1
    while convolutions_pay(layers(*written), shape, batch + 1, onednn=True):
        batch += 1
        assert batch < 10_000
    return batch


def test_what_a_step_computes_decides() -> None:
    assert largest_batch(CONVOLUTION) == MOST_OPERATIONS // OPERATIONS
    assert largest_batch("BatchNormalization", CONVOLUTION, "Flatten") == MOST_OPERATIONS // OPERATIONS
    second = {"Conv2D": {"filters": 1, "kernel_size": 2, "strides": 2}}
    assert largest_batch(CONVOLUTION, second) == MOST_OPERATIONS // (OPERATIONS + 6 * 10 * 4 * 4)
    # A transposed convolution lays its kernel at every input.
    backwards = {"Conv2DTranspose": {"filters": 10, "kernel_size": [3, 2], "strides": 3}}
    assert largest_batch(backwards) == MOST_OPERATIONS // OPERATIONS
    inner = {"TimeDistributed": {"layer": CONVOLUTION}}
    assert largest_batch(inner, shape=(7, *INPUT)) == MOST_OPERATIONS // (7 * OPERATIONS)


def test_without_onednn_xla_takes_convolutions_of_any_size() -> None:
    assert convolutions_pay(layers(CONVOLUTION), INPUT, 10**6, onednn=False)
    assert not convolutions_pay(layers(CONVOLUTION), INPUT, 10**6, onednn=True)


def test_models_without_convolutions_are_not_kept_from_xla() -> None:
    assert convolutions_pay(layers({"Dense": {"units": 100_000}}), (100_000,), 10**6, onednn=True)


def test_a_length_that_only_the_data_decides_keeps_from_xla() -> None:
    assert not convolutions_pay(layers({"Conv1D": {"filters": 1, "kernel_size": 1}}), (None, 1), 1, onednn=False)


@pytest.mark.parametrize(("size", "channels", "pays"), [((3, 3), 1, True), ((3, 3), 4, False), ((32,), 1, True)])
def test_windows_of_few_inputs_go_by_patches(size: tuple[int, ...], channels: int, pays: bool) -> None:
    assert patches_pay(size, channels) is pays
