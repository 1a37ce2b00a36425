"""Operations on columns, as a spec writes them."""

from __future__ import annotations

from typing import Any

import pytest

from seqjobs.jobspec.column_spec import ColumnSpec
from tests.jobspec.spec_texts import changed, parse

COLUMN = "{image: {rescale: 0.0625, shape: [8, 8, 1]}}"
# A writing, and what it means: the operations, and what is left to the program.
WRITINGS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "raw": ([], {}),
    "standardize": (["standardize"], {}),
    "{standardize: null}": (["standardize"], {}),
    "[log1p, standardize]": (["log1p", "standardize"], {}),
    "{log1p: null, min_max: {high: 2}}": (["log1p", {"min_max": {"high": 2.0}}], {}),
    "{impute: median}": ([{"impute": {"strategy": "median"}}], {}),
    "{impute: 3}": ([{"impute": {"constant": 3.0}}], {}),
    "{impute: {constant: none, indicator: false}}": ([{"impute": {"constant": "none"}}], {}),
    "{cyclic: hour}": ([{"cyclic": {"part": "hour"}}], {}),
    "{cyclic: 24}": ([{"cyclic": {"period": 24.0}}], {}),
    "{bucketize: [1, 2]}": ([{"bucketize": {"boundaries": [1.0, 2.0]}}], {}),
    "{bucketize: {quantiles: 4}}": ([{"bucketize": {"quantiles": 4}}], {}),
    "{date_parts: [hour, weekday]}": ([{"date_parts": {"parts": ["hour", "weekday"]}}], {}),
    "{tokens: 9}": ([{"tokens": {"length": 9}}], {}),
    "{hash: 100}": ([{"hash": {"buckets": 100}}], {}),
    "{one_hot: {max: 10000, unseen: other}}": ([{"one_hot": {"max": 10000}}], {}),
    "{image: [2, 3], rescale: 0.5, shape: [18]}": ([{"image": {"size": [2, 3]}}], {"rescale": 0.5, "shape": [18]}),
    "[{rescale: 2}, {clip: {low: 0}}, {rescale: 0.5}]": (
        [{"rescale": {"factor": 2.0}}, {"clip": {"low": 0.0}}],
        {"rescale": 0.5},
    ),
    "[{pad: 4}, {shape: [2, 2]}]": ([{"pad": {"length": 4}}], {"shape": [2, 2]}),
}


def column(writing: str) -> ColumnSpec:
    job = parse(changed((COLUMN, f"{{image: {writing}}}")))
    assert job.dimensions == ()
    features = job.trial({}).data.features
    assert features is not None
    return features["image"]


@pytest.mark.parametrize("writing", WRITINGS)
def test_what_a_writing_means(writing: str) -> None:
    operations, fields = WRITINGS[writing]
    assert column(writing).canonical() == {**fields, **({"operations": operations} if operations else {})}


@pytest.mark.parametrize(
    ("writing", "learns"),
    [
        ("[log1p, {clip: {low: 0}}, {impute: 0}, {bucketize: [1]}]", False),
        ("{hash: 9}", False),
        ("{impute: median}", True),
        ("[{impute: 0}, {bucketize: {quantiles: 3}}]", True),
        ("one_hot", True),
    ],
)
def test_which_depend_on_the_training_rows(writing: str, *, learns: bool) -> None:
    assert column(writing).learns == learns


def test_a_dimension_may_stand_in_an_argument_and_for_the_operation() -> None:
    features = "{image: [{choice: [log1p, {clip: {low: {uniform: [0, 1]}}}]}, {shape: [8, 8, 1]}]}"
    assert [dimension.key for dimension in parse(changed((COLUMN, features))).dimensions] == [
        "data.features.image.0",
        "data.features.image.0.clip.low",
    ]
