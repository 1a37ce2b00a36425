"""Overrides `path=value`: as if they stood in the file, but told where they were given."""

# ruff: noqa: E501 - lines of errors stand here as a user sees them

from __future__ import annotations

import pytest

from seqjobs.planning.expansion import expand_jobs
from tests.errors.lines import code_of
from tests.jobspec.spec_texts import SPEC, changed, errors, parse


def test_values_are_put_in_place() -> None:
    job = parse(
        SPEC,
        "fit.epochs=7",
        "name=other",
        "model.1.Dense.units={choice: [8, 16]}",
        "keep.best=2",
        "limits={retries: 0}",
    )
    assert (job.name, job.keep.best, job.limits.retries) == ("other", 2, 0)
    assert {trial.spec.fit.epochs for trial in expand_jobs([job]).trials} == {7}
    assert [dimension.key for dimension in job.dimensions] == ["model.1.Dense.units"]


def test_a_value_is_yaml_and_may_be_empty() -> None:
    assert parse(SPEC, "compile.optimizer.Adam.learning_rate = 1e-2").trial({}).compile.optimizer.arguments == {
        "learning_rate": 0.01
    }
    (line,) = errors(SPEC, "name=")
    assert line.startswith("-S name=:1:6 name: ")
    assert line.endswith("[E701]")


def test_a_dimension_gives_way_to_a_value_or_is_changed() -> None:
    text = changed(("units: 16", "units: {int_uniform: [8, 64], step: 8}"))
    assert parse(text, "model.1.Dense.units=8").dimensions == ()
    (dimension,) = parse(text, "model.1.Dense.units.step=4").dimensions
    assert dimension.step == 4  # type: ignore[union-attr]
    assert len(parse(text, "model.1.Dense.units.choice=[1, 2]").dimensions[0].options) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("fit.epochs", "-S fit.epochs:1:1 an override is path=value. Fix: write it as fit.epochs=3. [E210]"),
        ("=3", "-S =3:1:1 there is nothing at the path ''. Fix: name a place that the spec has, such as fit.epochs. [E210]"),
        ("model.9.Dense=1", "-S model.9.Dense=1:1:1 there is nothing at the path 'model.9.Dense'."
                            " Fix: name a place that the spec has, such as fit.epochs. [E210]"),
        ("fit.epochs.x=1", "-S fit.epochs.x=1:1:1 there is nothing at the path 'fit.epochs.x'."
                           " Fix: name a place that the spec has, such as fit.epochs. [E210]"),
        ("fit.epoch=1", "-S fit.epoch=1:1:1 fit.epoch: unknown key 'epoch'. Did you mean 'epochs'? [E201]"),
        ("fit.epochs=x", "-S fit.epochs=x:1:12 fit.epochs: a whole number is expected (got 'x')."
                         " Fix: write a whole number, without quotes or a decimal point, such as 1. [E205]"),
        ("fit={epochs: 0, validation_split: 0.2}", "-S fit={epochs: 0, validation_split: 0.2}:1:14 fit.epochs:"
                                    " a number of at least 1 is expected (got 0). Fix: write a larger number, such as 1. [E206]"),
        ("keep={best: 1, best: 2}", "-S keep={best: 1, best: 2}:1:16 keep.best: this key is given twice, first in"
                                    " line 1. Fix: keep one of them. [E105]"),
        ("fit.epochs=*x", "-S fit.epochs=*x:1:12 fit.epochs: an alias is not allowed (got '*x')."
                          " Fix: write out the value of its anchor. [E106]"),
        ("fit.epochs=[", "-S fit.epochs=[:2:1 fit.epochs: this is not YAML: did not find expected node content."
                         " Fix: correct the YAML at this place, or just before it. [E103]"),
        ("seed={choice: [1, 2]}", "-S seed={choice: [1, 2]}:1:6 seed: `seed` applies to the whole job and"
                                  " cannot be a dimension. Fix: write one value. [E212]"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_in_the_override(override: str, line: str) -> None:
    assert errors(SPEC, override) == [line]


def test_mistakes_of_the_file_come_first_then_the_overrides_in_their_order() -> None:
    lines = errors(changed(("seed: 3", "seed: x")), "limits.retries=x", "keep.best=x", "fit.epochs=x")
    assert [line.split(":")[0] for line in lines] == [
        "job.yaml", "-S limits.retries=x", "-S keep.best=x", "-S fit.epochs=x",
    ]  # fmt: skip
    assert {code_of(line) for line in lines} == {"E205"}


@pytest.mark.parametrize(
    ("override", "code", "text"),
    [
        ("fit.password=hunter2", "E709", "-S fit.password=...:1:1 fit.password: 'password' looks like a secret"),
        ("fit={password: hunter2}", "E709", "-S fit=...:1:6 fit.password: "),
        ('fit={"api_key": hunter2}', "E709", "-S fit=...:1:6 fit.api_key: "),
        ("variants=[{fit.api_key: hunter2}]", "E709", "-S variants=...:1:12 variants.0.fit.api_key: "),
        ("model=[{Dense: [{token: hunter2}]}]", "E315", "-S model=...:1:16 model.0.Dense: "),
        ("data.train=ftp://me:hunter2@host/x", "E401", "-S data.train=ftp://...@host/x:1:12 data.train: "),
        ("data.train=abfs://me:hunter2@account/x", "E709", "-S data.train=abfs://...@account/x:1:12 data.train: "),
        ("data.train=s3://me:hunter2@bucket/x", "E709", "-S data.train=s3://...@bucket/x:1:12 data.train: "),
    ],
)
def test_what_may_be_a_secret_is_not_shown(override: str, code: str, text: str) -> None:
    lines = errors(SPEC, override)
    assert any(line.startswith(text) and code_of(line) == code for line in lines), lines
    assert "hunter2" not in "".join(lines)
