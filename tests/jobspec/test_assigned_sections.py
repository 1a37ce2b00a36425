"""The sections of thousands of assignments: what was read before changes neither what is read nor what is told."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from seqjobs.errors import SpecError
from seqjobs.jobspec.canonical import canonical_trial
from seqjobs.jobspec.dimensions import Choice, written
from seqjobs.jobspec.job_spec import JobSpec
from tests.jobspec.spec_texts import changed, parse

SEARCH = changed(
    (
        "{learning_rate: 0.001}",
        "{learning_rate: {log_uniform: [0.001, 0.1]}, clipnorm: {choice: [null, 1.0]},"
        " global_clipnorm: {choice: [null, 2.0]}}",
    ),
    ("metrics: [accuracy]", "metrics: {choice: [[accuracy], [accuracy, {TopKCategoricalAccuracy: {k: 1}}]]}"),
)
OPTIMIZER = "compile.optimizer.Adam"


def assignment(rate: float, clip: float | None, both: float | None, metrics: object) -> Mapping[str, object]:
    return {
        f"{OPTIMIZER}.learning_rate": rate,
        f"{OPTIMIZER}.clipnorm": clip,
        f"{OPTIMIZER}.global_clipnorm": both,
        "compile.metrics": metrics,
    }


def _metrics(job: JobSpec) -> list[object]:
    choice = job.dimensions[-1]
    assert isinstance(choice, Choice)
    return [written(option) for option in choice.options]


def test_a_trial_is_what_it_would_be_alone() -> None:
    job = parse(SEARCH)
    metrics = _metrics(job)
    clips = ((None, None), (1.0, None), (None, 2.0))
    wanted = [assignment(r, *c, m) for r, c, m in itertools.product((0.001, 0.01, 0.02), clips, metrics)]
    together = [canonical_trial(trial) for trial in job.trials(wanted)]
    assert together == [canonical_trial(job.trial(alone)) for alone in wanted]
    assert len({str(trial["compile"]) for trial in together}) == len(wanted)


def test_what_is_wrong_with_an_optimizer_is_told_as_if_it_were_the_first() -> None:
    job = parse(SEARCH)
    metrics = _metrics(job)[0]
    wrong = assignment(0.01, 1.0, 2.0, metrics)
    with pytest.raises(SpecError) as alone:
        job.trial(wrong)
    with pytest.raises(SpecError) as later:
        list(job.trials([assignment(0.01, 1.0, None, metrics), wrong]))
    assert later.value.lines == alone.value.lines
    assert "E304" in alone.value.lines[0]
