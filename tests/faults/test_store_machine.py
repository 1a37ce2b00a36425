"""A sample of `python -m tests.faults.store_machine`."""

from __future__ import annotations

from tests.faults.store_machine import run_machine


def test_whatever_drivers_do_and_wherever_they_die_the_log_says_what_they_were_told() -> None:
    run_machine(examples=15, steps=25, derandomize=True)
