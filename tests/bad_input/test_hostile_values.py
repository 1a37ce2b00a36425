"""No place in a spec passes on a configuration of Keras, a path or a host: it is refused, or it names a column."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from seqjobs.errors import SpecError
from seqjobs.errors.problems import Path, dotted
from seqjobs.planning.plan import make_plan
from seqjobs.spec.data_files import REMOTE_SCHEMES, scheme_of
from seqjobs.spec.job_spec import JobSpec
from seqjobs.spec.load import parse_job
from seqjobs.spec.sections import HeaderSpec, TrialSpec
from tests.bad_input.expectation import SPECS
from tests.bad_input.fuzz import check_plain
from tests.bad_input.mutate import HOSTILE

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
# Columns and classes are named as the data has them; a job's name is small letters with dots and dashes.
FREE = {"data.target", "data.sample_weight", "data.storage.endpoint", "name"}
FREE_KEYS = {"data.features", "data.types", "fit.class_weight"}
JOB = SPECS / "job.yaml"


def places(tree: Any, path: Path = ()) -> Iterator[Path]:
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(tree[key], (*path, key))


PLACES = sorted(places(FULL), key=str)


def with_value(path: Path, value: Any) -> dict[str, Any]:
    tree = copy.deepcopy(FULL)
    holder: Any = tree
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return tree


def parse(tree: Any) -> JobSpec:
    return parse_job(json.dumps(tree), JOB)


def test_the_spec_that_the_others_change_is_right_and_whole() -> None:
    assert len(make_plan([parse(FULL)]).trials) == 2
    for name, section in TrialSpec.model_fields.items() | HeaderSpec.model_fields.items():
        fields = getattr(section.annotation, "model_fields", {})
        assert set(fields) - set(FULL[name] if fields else ()) <= {"trials"}, name


@pytest.mark.parametrize("path", PLACES, ids=dotted)
def test_a_hostile_value_is_refused_wherever_it_stands(path: Path) -> None:
    for value in HOSTILE:
        for written in (value, {"choice": [value]}):
            try:
                job = parse(with_value(path, written))
            except SpecError:
                continue
            assert_allowed(path, value)
            for trial in make_plan([job]).trials:
                check_plain(trial.spec)


@pytest.mark.parametrize("path", [path for path in PLACES if path[0] in TrialSpec.model_fields], ids=dotted)
def test_a_hostile_value_of_a_variant_is_refused(path: Path) -> None:
    for value in HOSTILE:
        tree = copy.deepcopy(FULL)
        tree["variants"] = [{dotted(path): value}]
        try:
            parse(tree)
        except SpecError:
            continue
        assert_allowed(path, value)


def assert_allowed(path: Path, value: Any) -> None:
    """A store is declared by naming it where data is named."""
    is_store = scheme_of(str(value)) in REMOTE_SCHEMES and path[:2] in (("data", "train"), ("data", "validation"))
    assert isinstance(value, str)
    assert is_store or dotted(path) in FREE, value


@pytest.mark.parametrize("value", HOSTILE, ids=str)
def test_a_hostile_key_is_refused(value: Any) -> None:
    name = json.dumps(value) if isinstance(value, dict) else value
    for path in PLACES:
        holder: Any = FULL
        for part in path[:-1]:
            holder = holder[part]
        if isinstance(holder, dict) and dotted(path[:-1]) not in FREE_KEYS:
            above = {**copy.deepcopy(holder), name: 1}
            with pytest.raises(SpecError):
                parse(with_value(path[:-1], above) if path[:-1] else above)
