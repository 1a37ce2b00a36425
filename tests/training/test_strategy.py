"""Several devices in one worker: two mirrored CPU devices, in a process of their own, against one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import POINTS_SPEC

CHILD = """
import json, sys
from pathlib import Path
from seqjobs.training import environment
environment.pin()
import tensorflow as tf
from seqjobs.data.read import read_dataset
from seqjobs.planning.plan import make_plan
from seqjobs.spec.load import parse_job
from seqjobs.training import devices
from seqjobs.training.outcome import TrialOutcome
from seqjobs.training.trial_runner import TrialRunner

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
names = devices.prepare(1)
overrides = ["fit.batch_size=10", "data.train=test.parquet"]
plan = make_plan([parse_job(sys.argv[1], Path(sys.argv[2]) / "job.yaml", overrides)])
dataset = read_dataset(plan.datasets[0])
for gpus in ((), ("CPU:0", "CPU:1")):
    for item in TrialRunner(names, gpus=gpus).run(plan.packs[0], dataset):
        if isinstance(item, TrialOutcome):
            print(json.dumps({"history": item.history, "failure": str(item.failure), "log": item.log}))
"""


# 50 rows in batches of 10: every batch splits evenly. Keras's `fit` takes the mean of the devices' means, so in a batch
# of 3 over two devices one row weighs as much as the other two.
def test_two_mirrored_devices_give_the_history_of_one(points: Path) -> None:
    command = [sys.executable, "-c", CHILD, POINTS_SPEC, str(points)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    one, two = (json.loads(line) for line in done.stdout.splitlines())
    assert one["failure"] == two["failure"] == "None"
    columns: dict[str, Any] = two["history"]
    assert list(columns) == list(one["history"])
    for column, values in one["history"].items():
        assert columns[column] == pytest.approx(values, rel=1e-5), column
