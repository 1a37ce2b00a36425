"""Soaks and all faults of Ray, for minutes: by hand and before a release."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.kill_soak import KillSoak
from tests.faults.ray_faults import FAULTS
from tests.faults.soak import soak
from tests.faults.store_machine import run_machine

pytestmark = pytest.mark.long

# Ray itself does not survive this one: its head takes a node for dead whose answers are lost so often.
SURVIVED = sorted(set(FAULTS) - {"rpc"})


@pytest.mark.timeout(3600)
def test_drivers_are_killed_at_any_operation_on_a_file() -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    counts = soak(seed, minutes=5)
    assert counts["kills"] > 0, seed


@pytest.mark.timeout(3600)
def test_the_log_says_what_drivers_were_told_in_a_thousand_runs() -> None:
    run_machine(examples=1000, steps=40, derandomize=False)


@pytest.mark.ray
@pytest.mark.timeout(7200)
def test_any_process_of_a_run_is_killed_at_any_moment(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    counts = KillSoak(tmp_path, seed).go(minutes=30)
    assert counts["submits"] > 1, seed


@pytest.mark.ray
@pytest.mark.parametrize("fault", SURVIVED)
def test_a_fault_of_ray_costs_no_finished_trial(fault: str, tmp_path: Path) -> None:
    FAULTS[fault](tmp_path)
