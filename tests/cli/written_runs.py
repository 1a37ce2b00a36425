"""Real specs, plans, runs and events for the tests of the command line; nothing of them was trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.results import log_records
from seqjobs.results.manifest import Manifest, write_manifest
from seqjobs.results.progress import Standing
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.run import Run
from seqjobs.results.run_log import RunLog
from seqjobs.training.outcome import Cause, Failure
from tests.fixtures.plans import plan_as_if, table_of_texts
from tests.fixtures.run_paths import RunPaths

SPEC = """
name: {name}
data: {{train: rows.parquet, features: [a, b], target: label}}
model:
  - Dense: {{units: {{choice: [8, 16]}}, activation: relu}}
  - Dense: {{units: {{choice: [4, 2]}}, activation: relu}}
  - Dense: {{units: 1, activation: sigmoid}}
compile:
  optimizer: {{Adam: {{learning_rate: {{choice: [0.001, 0.01]}}}}}}
  loss: binary_crossentropy
  metrics: [accuracy]
fit: {{epochs: 4, validation_split: 0.2}}
search: {{sampler: grid}}
objective: {objective}
"""
BY_ACCURACY = "{metric: val_accuracy, direction: maximize}"
BY_LOSS = "{metric: val_loss, direction: minimize}"


def spec_text(name: str = "small", objective: str = BY_ACCURACY) -> str:
    return SPEC.format(name=name, objective=objective)


def grid_plan(folder: Path, *texts: str) -> Plan:
    """Make a plan of 8 trials for each `spec_text`, in a folder in which its data file exists and is empty."""
    (folder / "rows.parquet").touch()
    return plan_as_if(table_of_texts(folder, *(texts or (spec_text(),))), width=2, rows=100)


def finished(trial: Trial, value: float, metric: str = "val_accuracy") -> TrialRecord:
    history = {"loss": (0.9, 0.5), metric: (value / 2, value)}
    return TrialRecord(
        trial_id=trial.id,
        status=TrialStatus.FINISHED,
        attempt=1,
        value=value,
        history=history,
        weights_epoch=1,
        seconds=1.25,
    )


def failed(trial: Trial, message: str = "the loss became NaN", cause: Cause = Cause.NAN) -> TrialRecord:
    return TrialRecord(
        trial_id=trial.id,
        status=TrialStatus.FAILED,
        attempt=1,
        value=None,
        history={"loss": (0.9,)},
        weights_epoch=0,
        seconds=0.5,
        failure=Failure(cause=cause, message=message, traceback="Traceback: ..."),
    )


def standing_of(plan: Plan, records: Mapping[str, TrialRecord], resumed: int = 0) -> Standing:
    num_failed = sum(record.status is TrialStatus.FAILED for record in records.values())
    return Standing(
        total=len(plan.trials),
        finished=len(records) - num_failed,
        failed=num_failed,
        resumed=resumed,
        records=records,
        plan=plan,
        packs={pack.id: pack for pack in plan.packs},
    )


CREATED = "2026-01-02T03:04:05+00:00"


def write_run(
    folder: Path,
    plan: Plan,
    records: Mapping[str, TrialRecord],
    run_id: str = "run-one",
    *,
    created: str = CREATED,
) -> Run:
    """A run folder as a submit of 12.5 seconds leaves it."""
    paths = RunPaths(root=folder / run_id)
    for path in (paths.root, paths.log, paths.trial_logs):
        path.mkdir(parents=True)
    facts: dict[str, Any] = {}
    write_manifest(paths.store, Manifest.of(run_id, plan, facts, created=created, versions={"keras": "3.15.1"}))
    log = RunLog(paths.store, next_number=1)
    log.append({**log_records.submit_started(created, {}), "at": 0.0})
    for record in records.values():
        log.append({**log_records.trial_ended(record), "at": 12.5})
    log.commit()
    return Run.open(paths.root)
