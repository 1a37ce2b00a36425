"""One small right spec, and how the tests of this folder read changed ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seqjobs.errors import SpecError
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.jobspec.load import parse_job
from seqjobs.planning.expansion import expand_jobs

JOBS = Path(__file__).parent.parent.parent / "jobs"
# A folder whose data files exist, because a spec whose files are missing is refused.
DATA = JOBS / "data" / "digits"

# A line that reports a mistake: the place, what is wrong, how to fix it, and the code.
LINE = re.compile(r"[^\n]+?:\d+:\d+ .*[^ ] (Fix: .+\.|[A-Z].*\?) \[E\d{3}\]|\.\.\. and \d+ more")

SPEC = """\
name: small
seed: 3
data:
  train: train.parquet
  features: {image: {rescale: 0.0625, shape: [8, 8, 1]}}
  target: label
model:
  - Flatten
  - Dense: {units: 16, activation: relu}
  - Dense: {units: 10, activation: softmax}
compile:
  optimizer: {Adam: {learning_rate: 0.001}}
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
fit: {epochs: 2, batch_size: 32, validation_split: 0.2}
objective: {metric: val_accuracy, direction: maximize}
"""


def changed(*replacements: tuple[str, str], text: str = SPEC) -> str:
    """SPEC with texts replaced, each of which is there."""
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def parse(text: str, *overrides: str) -> JobSpec:
    return parse_job(text, DATA / "job.yaml", overrides)


def errors(text: str, *overrides: str) -> list[str]:
    """The lines of what is wrong, the file's folder left out."""
    with pytest.raises(SpecError) as caught:
        parse(text, *overrides)
    return _short(caught.value)


def plan_errors(text: str) -> list[str]:
    job = parse(text)
    with pytest.raises(SpecError) as caught:
        expand_jobs([job])
    return _short(caught.value)


def _short(error: SpecError) -> list[str]:
    return [line.replace(str(DATA / "job.yaml"), "job.yaml") for line in error.lines]
