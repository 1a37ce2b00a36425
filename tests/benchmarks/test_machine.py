"""What the benchmarks say about the machine and a process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from tests.conftest import ROOT

PEAK = "from tests.benchmarks.machine import peak_memory; print(peak_memory())"


def test_the_peak_of_a_process_leaves_out_what_its_parent_held() -> None:
    held = np.ones(400 * 2**20, np.uint8)
    child = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True, cwd=ROOT)
    assert 2**20 < int(child.stdout) < held.nbytes
