"""The run that all folders of the state machine have a part of, and what it comes to without any fault."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.execution.executor import DatasetFacts
from seqjobs.planning.plan import Plan
from tests.conftest import POINTS_SPEC
from tests.fixtures.fake_runner import Behaviour
from tests.fixtures.files import write_spec
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import do, result, write_points

RATES = f"learning_rate: {{choice: [0.1, 0.2, {float(Behaviour.NAN)}]}}"
TEXT = (
    POINTS_SPEC.replace("learning_rate: 0.01", RATES)
    .replace("units: 8", "units: {choice: [1, 2, 3]}")
    .replace("epochs: 3", "epochs: 4, pack: 3")
    + "search: {sampler: grid}\nkeep: {best: 2}\nlimits: {retries: 100}\n"
)
EPOCHS = 4


@dataclass(frozen=True, kw_only=True)
class World:
    """What all runs of the machine share."""

    plan: Plan
    datasets: Mapping[str, Dataset]
    golden: Mapping[str, Any]
    trial_ids: frozenset[str]

    @property
    def facts(self) -> dict[str, DatasetFacts]:
        return {name: DatasetFacts.of(dataset) for name, dataset in self.datasets.items()}


_FOLDER = tempfile.TemporaryDirectory()


@functools.cache
def world() -> World:
    folder = Path(_FOLDER.name)
    write_points(folder)
    write_spec(folder, TEXT)
    plan = plan_of(folder / "job.yaml")
    run = do(plan, folder / "golden")
    datasets = {source.id: read_dataset(source) for source in plan.datasets}
    return World(plan=plan, datasets=datasets, golden=result(folder / "golden"), trial_ids=frozenset(run.records))
