"""Samples of `python -m tests.faults.store_machine`."""

from __future__ import annotations

import pytest

from tests.faults.store_machine import run_machine


# Derandomized: the same steps every time.
@pytest.mark.parametrize(("examples", "steps"), [(5, 20), pytest.param(40, 25, marks=pytest.mark.slow)])
def test_the_log_says_what_drivers_were_told_whatever_they_do_and_wherever_they_die(examples: int, steps: int) -> None:
    run_machine(examples=examples, steps=steps, derandomize=True)
