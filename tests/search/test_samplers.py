"""The contract of samplers, over all of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from seqjobs.jobspec.dimensions import Choice, Dimension, Range, is_active, written
from seqjobs.search.samplers import SAMPLERS, Sampler
from seqjobs.search.space import SearchSpace
from tests.search.test_search_space import CONDITIONAL, space_of

FINITE: dict[str, Any] = {**CONDITIONAL, "w": {"uniform": [0.5, 1.0], "step": 0.25}}
CONTINUOUS: dict[str, Any] = {**FINITE, "lr": {"log_uniform": [1e-4, 1e-1]}}


@pytest.fixture(params=sorted(SAMPLERS))
def sampler(request: pytest.FixtureRequest) -> Sampler:
    return SAMPLERS[request.param]()


def allowed(dimension: Dimension, value: object) -> bool:
    if isinstance(dimension, Choice):
        return any(written(option) is value or written(option) == value for option in dimension.options)
    assert isinstance(value, int | float)
    return dimension.low <= value <= dimension.high


def labels_of(space: SearchSpace, assignment: Any) -> dict[str, str]:
    return {
        dimension.key: option.label
        for dimension in space.dimensions
        if isinstance(dimension, Choice)
        for option in dimension.options
        if dimension.key in assignment and written(option) == assignment[dimension.key]
    }


def test_a_proposal_is_a_pure_function_of_its_arguments(sampler: Sampler) -> None:
    space = space_of(FINITE)
    before = copy.deepcopy(space.dimensions)
    first = sampler.propose(space, seed=1, start=0, count=8)
    assert first == type(sampler)().propose(space_of(FINITE), seed=1, start=0, count=8)
    assert space.dimensions == before


def test_a_proposal_does_not_depend_on_how_many_are_asked_for(sampler: Sampler) -> None:
    space = space_of(FINITE)
    together = sampler.propose(space, seed=1, start=0, count=12)
    assert together == sum((sampler.propose(space, seed=1, start=index, count=1) for index in range(12)), ())
    assert together[5:9] == sampler.propose(space, seed=1, start=5, count=4)
    assert sampler.propose(space, seed=1, start=3, count=0) == ()


def test_a_proposal_names_just_the_active_dimensions_with_allowed_values(sampler: Sampler) -> None:
    space = space_of(FINITE)
    for assignment in sampler.propose(space, seed=2, start=0, count=60):
        labels = labels_of(space, assignment)
        active = [dimension for dimension in space.dimensions if is_active(dimension, labels)]
        assert list(assignment) == [dimension.key for dimension in active]
        assert all(allowed(dimension, assignment[dimension.key]) for dimension in active)


def test_a_space_without_dimensions_has_one_assignment(sampler: Sampler) -> None:
    assert sampler.propose(SearchSpace(dimensions=()), seed=0, start=0, count=1) == ({},)


def test_a_grid_ends_with_the_space() -> None:
    space = space_of(FINITE)
    assert len(SAMPLERS["grid"]().propose(space, seed=0, start=0, count=1000)) == space.size() == 60


def test_random_draws_differ_by_seed_and_number() -> None:
    random, space = SAMPLERS["random"](), space_of(CONTINUOUS)
    rates = {a["lr"] for seed in range(3) for a in random.propose(space, seed=seed, start=0, count=50)}
    assert len(rates) == 150


def test_a_dimension_more_does_not_move_the_others() -> None:
    random = SAMPLERS["random"]()
    few, more = space_of(FINITE), space_of({"first": {"choice": [1, 2]}, **CONTINUOUS, "last": {"int_uniform": [1, 9]}})
    for small, large in zip(
        random.propose(few, seed=4, start=0, count=40), random.propose(more, seed=4, start=0, count=40), strict=True
    ):
        assert small == {key: value for key, value in large.items() if key in small}


def test_every_range_is_covered() -> None:
    space = space_of(CONTINUOUS)
    found = SAMPLERS["random"]().propose(space, seed=0, start=0, count=400)
    for dimension in space.dimensions:
        values = {assignment[dimension.key] for assignment in found if dimension.key in assignment}
        expected = len(dimension.options) if isinstance(dimension, Choice) else 2
        assert len(values) >= expected
        assert isinstance(dimension, Choice | Range)
