"""The JSON Schema agrees with the loader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.document import read_document
from seqjobs.jobspec.schema import json_schema
from tests.jobspec.spec_texts import JOBS, SPEC, changed, errors, parse
from tests.operations.test_writings import COLUMN, WRITINGS

SCHEMA = json_schema()


def accepts(text: str) -> bool:
    tree: Any = read_document(text, "f", Problems()).tree
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(tree))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", sorted(JOBS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_jobs_are_accepted(path: Path) -> None:
    assert accepts(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("writing", WRITINGS)
def test_operations_are_accepted(writing: str) -> None:
    assert accepts(changed((COLUMN, f"{{image: {writing}}}")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: small", "name: small"),
        ("units: 16", "units: {int_uniform: [8, 16], step: 4}"),
        ("[accuracy]", "{choice: [[accuracy], [acc]]}"),
        ("seed: 3", "resources: {gpus: 2}"),
        ("seed: 3", "resources: {gpus: 0.25}"),
        ("seed: 3", "resources: {gpus: auto, cpus: 2}"),
        ("seed: 3", "limits: {trial_time: 30m, run_time: 90}"),
        ("seed: 3", "limits: {stall: off}"),
        ("seed: 3", "limits: {stall: auto}"),
        ("seed: 3", "limits: {stall: 45m}"),
        ("seed: 3", "limits: {stall: 90.5}"),
        ("seed: 3", "resources: {memory: 1.5 GiB}"),
        ("seed: 3", "resources: {memory: 4000000000}"),
        ("epochs: 2", "epochs: {choice: [1, 2]}, compile: {choice: [xla, stock]}"),
        ("epochs: 2", "epochs: 2, class_weight: balanced"),
        ("epochs: 2", "epochs: 2, class_weight: {0: 1, 1: {uniform: [1, 5]}}"),
        ("epochs: 2", "epochs: 2, class_weight: {choice: [balanced, {0: 5}, null]}"),
        ("[accuracy]", "[accuracy]\n  weighted_metrics: [accuracy, mae]"),
        ("target: label", "target: label\n  sample_weight: weight"),
        ("{rescale: 0.0625, shape: [8, 8, 1]}", "{choice: [{shape: [8, 8, 1]}, {shape: [64]}]}"),
        ("{image: {rescale: 0.0625, shape: [8, 8, 1]}}", "{image: {shape: [8, 8, 1]}}"),
    ],
)
def test_what_the_loader_takes_is_accepted(old: str, new: str) -> None:
    text = changed((old, new), ("val_accuracy", "val_loss"))
    parse(text)
    assert accepts(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 3", "sed: 3"),
        ("seed: 3", "seed: -1"),
        ("units: 16", "unit: 16"),
        ("units: 16", "units: 0"),
        ("units: 16", "units: {int_uniform: [8]}"),
        ("Flatten", "Flaten"),
        ("epochs: 2", "epochs: 2.5"),
        ("name: small\n", ""),
        ("maximize", "max"),
        ("seed: 3", "resources: {gpus: many}"),
        ("seed: 3", "resources: {gpus: 1.5}"),
        ("seed: 3", "resources: {memory: 4 bananas}"),
        ("seed: 3", "resources: {memory: 0}"),
        ("seed: 3", "limits: {stall: never}"),
        ("seed: 3", "limits: {stall: 0}"),
        ("seed: 3", "limits: {stall: true}"),
        ("seed: 3", "resources: {memory: {choice: [1GiB, 2GiB]}}"),
        ("epochs: 2", "epochs: 2, compile: fast"),
        ("epochs: 2", "epochs: 2, class_weight: even"),
        ("epochs: 2", "epochs: 2, class_weight: {}"),
        ("epochs: 2", "epochs: 2, class_weight: {0: -1}"),
        ("epochs: 2", "epochs: 2, class_weight: {0: heavy}"),
        ("[accuracy]", "[accuracy]\n  weighted_metrics: [acuracy]"),
        ("target: label", "target: label\n  sample_weight: [weight]"),
        ("seed: 3", "search: {trials: {choice: [1, 2]}}"),
        ("seed: 3", "variants: [{search.trials: 3}]"),
    ],
)
def test_what_the_loader_refuses_is_refused(old: str, new: str) -> None:
    text = changed((old, new))
    assert errors(text)
    assert not accepts(text)


def test_every_field_is_documented() -> None:
    for name, section in SCHEMA["properties"].items():
        assert section.get("description"), name
    assert SCHEMA["$defs"]["SearchSpec"]["properties"]["trials"]["description"].startswith("The number of assignments")


def test_the_small_spec_is_accepted() -> None:
    assert accepts(SPEC)
