"""Every place of a spec refuses configurations of Keras, paths and hosts, or takes them as the name of a column."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from seqjobs.errors import SpecError
from seqjobs.errors.problems import Path, dotted
from seqjobs.jobspec.data_files import REMOTE_SCHEMES, scheme_of
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.jobspec.load import parse_job
from seqjobs.jobspec.sections import HeaderSpec, TrialSpec
from seqjobs.planning.expansion import expand_jobs
from tests.bad_input.expectation import SPECS
from tests.bad_input.hostile import HOSTILE, check_plain

# Every key that a spec can have.
FULL: dict[str, Any] = yaml.safe_load("""
name: full
seed: 3
data:
  train: [../../../jobs/data/digits/train.parquet, s3://bucket/rows.parquet]
  validation: [../../../jobs/data/digits/test.parquet]
  features: {image: {rescale: 0.0625, shape: [8, 8, 1]}}
  others: raw
  target: label
  sample_weight: weight
  memory: 2GiB
  types: {image: uint8}
  storage: {region: eu-west-1, endpoint: "http://localhost:9000", anonymous: true}
  csv: {delimiter: ';', decimal_point: ',', encoding: latin-1}
model:
  - Conv2D: {filters: 4, kernel_size: [3, 3], activation: relu, kernel_initializer: {HeNormal: {}}}
  - Flatten
  - Dense: {units: 10, activation: softmax, kernel_regularizer: {L2: {l2: 0.01}}}
compile:
  optimizer: {Adam: {learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 3, decay_rate: 0.5}}}}
  loss: {SparseCategoricalCrossentropy: {from_logits: false}}
  metrics: [accuracy, {SparseTopKCategoricalAccuracy: {k: 3}}]
  weighted_metrics: [accuracy]
fit:
  epochs: 2
  batch_size: 32
  validation_split: 0.0
  shuffle: true
  callbacks: [EarlyStopping: {monitor: val_loss, patience: 3}]
  class_weight: {0: 1.0}
  compile: auto
  pack: auto
search: {sampler: random, repeats: 2}
objective: {metric: val_accuracy, direction: maximize}
resources: {cpus: 1, gpus: 0, memory: 4GiB, workers: 2}
limits: {retries: 2, trial_time: 30m, run_time: 8h, checkpoint: 1m, stall: 1h}
keep: {best: 5}
""")
# Names of columns and classes are whatever the data has. A job's name is small letters with dots and dashes.
FREE = {"data.target", "data.sample_weight", "data.storage.endpoint", "name"}
FREE_KEYS = {"data.features", "data.types", "fit.class_weight"}
JOB = SPECS / "job.yaml"


def places(tree: Any, path: Path = ()) -> Iterator[Path]:
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(tree[key], (*path, key))


def places_of(section: str) -> list[Path]:
    return [path for path in places(FULL) if path[0] == section]


def with_value(path: Path, value: Any) -> dict[str, Any]:
    tree = copy.deepcopy(FULL)
    holder: Any = tree
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return tree


def parse(tree: Any) -> JobSpec:
    return parse_job(json.dumps(tree), JOB)


def test_the_spec_that_the_others_change_is_right_and_complete() -> None:
    assert len(expand_jobs([parse(FULL)]).trials) == 2
    for name, section in TrialSpec.model_fields.items() | HeaderSpec.model_fields.items():
        fields = getattr(section.annotation, "model_fields", {})
        assert set(fields) - set(FULL[name] if fields else ()) <= {"trials"}, name


@pytest.mark.parametrize("section", FULL)
def test_a_hostile_value_is_refused_wherever_it_stands(section: str) -> None:
    cases = [(path, value) for path in places_of(section) for value in HOSTILE]
    offenders = [f"{dotted(path)}: {value}" for path, value in cases if not is_harmless(path, value, value)]
    assert not offenders, "\n".join(offenders)


@pytest.mark.slow
@pytest.mark.parametrize("section", FULL)
def test_a_hostile_value_among_choices_is_refused(section: str) -> None:
    cases = [(path, value) for path in places_of(section) for value in HOSTILE]
    offenders = [
        f"{dotted(path)}: {value}" for path, value in cases if not is_harmless(path, value, {"choice": [value]})
    ]
    assert not offenders, "\n".join(offenders)


@pytest.mark.slow
@pytest.mark.parametrize("section", TrialSpec.model_fields)
def test_a_hostile_value_of_a_variant_is_refused(section: str) -> None:
    offenders = []
    for path in places_of(section):
        for value in HOSTILE:
            variants = [{dotted(path): value}]
            if not is_refused({**FULL, "variants": variants}) and not is_allowed(path, value):
                offenders.append(f"{dotted(path)}: {value}")
    assert not offenders, "\n".join(offenders)


@pytest.mark.slow
@pytest.mark.parametrize("section", FULL)
def test_a_hostile_key_is_refused(section: str) -> None:
    offenders = []
    for path in places_of(section):
        holder: Any = FULL
        for part in path[:-1]:
            holder = holder[part]
        if not isinstance(holder, dict) or dotted(path[:-1]) in FREE_KEYS:
            continue
        for value in HOSTILE:
            above = {**holder, json.dumps(value) if isinstance(value, dict) else value: 1}
            if not is_refused(with_value(path[:-1], above) if path[:-1] else above):
                offenders.append(f"{dotted(path)}: {value}")
    assert not offenders, "\n".join(offenders)


def is_harmless(path: Path, value: Any, written: Any) -> bool:
    """Return whether a value is refused at a place, or allowed there and passed on as plain data."""
    try:
        job = parse(with_value(path, written))
    except SpecError:
        return True
    for trial in expand_jobs([job]).trials:
        check_plain(trial.spec)
    return is_allowed(path, value)


def is_refused(tree: Any) -> bool:
    try:
        parse(tree)
    except SpecError:
        return True
    return False


def is_allowed(path: Path, value: Any) -> bool:
    """Return whether a value may stand at a place: a free text, or the store that the path of a data file names."""
    is_store = scheme_of(str(value)) in REMOTE_SCHEMES and path[:2] in (("data", "train"), ("data", "validation"))
    return isinstance(value, str) and (is_store or dotted(path) in FREE)
