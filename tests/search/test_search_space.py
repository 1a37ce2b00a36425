"""The search space: sizes, order, and the values of ranges."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.dimensions import Range, find_dimensions
from seqjobs.search.space import SearchSpace, fraction, num_values, value_at, value_at_fraction


def space_of(tree: dict[str, Any]) -> SearchSpace:
    problems = Problems()
    dimensions = find_dimensions(tree, (), problems)
    assert not len(problems)
    return SearchSpace(dimensions=dimensions)


def a_range(written: dict[str, Any]) -> Range:
    (dimension,) = space_of({"x": written}).dimensions
    assert isinstance(dimension, Range)
    return dimension


def test_a_grid_goes_through_the_text_the_last_dimension_fastest() -> None:
    space = space_of({"a": {"choice": [1, 2]}, "b": {"int_uniform": [0, 4], "step": 2}})
    assert space.size() == 6
    assert [tuple(point.values()) for point in space.grid(0, 100)] == [(1, 0), (1, 2), (1, 4), (2, 0), (2, 2), (2, 4)]
    assert list(space.grid(4, 1)) == [{"a": 2, "b": 2}]
    assert list(space.grid(6, 3)) == []


CONDITIONAL = {
    "o": {"choice": [{"A": {"r": {"choice": [1, 2, 3]}, "s": {"choice": [4, {"int_uniform": [5, 6]}]}}}, "B"]},
    "z": {"choice": [0, 1]},
}


def test_conditional_dimensions_count_only_under_their_option() -> None:
    space = space_of(CONDITIONAL)
    points = list(space.grid(0, 1000))
    assert space.size() == len(points) == (3 * (1 + 2) + 1) * 2
    assert len({str(point) for point in points}) == len(points)
    assert points[0] == {"o": "A", "o.A.r": 1, "o.A.s": 4, "z": 0}
    assert points[-1] == {"o": "B", "z": 1}
    assert {"o": "A", "o.A.r": 3, "o.A.s": "int_uniform", "o.A.s.int_uniform": 6, "z": 1} in points


def test_many_conditional_choices_are_counted_at_once() -> None:
    space = space_of({str(i): {"choice": [{"A": {"r": {"choice": [1, 2]}}}, "B"]} for i in range(400)})
    assert space.size() == 3**400
    assert len(next(iter(space.grid(3**400 - 1, 1)))) == 400


def test_a_continuous_dimension_has_no_size_wherever_it_stands() -> None:
    assert space_of({"a": {"uniform": [0, 1]}}).size() is None
    assert space_of({"a": {"choice": [1, {"A": {"r": {"log_uniform": [1, 2]}}}]}}).size() is None


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ({"uniform": [0.1, 0.5], "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"uniform": [0, 1], "step": 0.3}, [0.0, 0.3, 0.6, 0.9]),
        ({"uniform": [0.12345678901234567, 1], "step": 0.5}, [0.12345678901234567, 0.623456789012]),
        ({"int_uniform": [3, 6]}, [3, 4, 5, 6]),
        ({"int_uniform": [32, 100], "step": 32}, [32, 64, 96]),
        ({"log_int_uniform": [1, 9], "step": 4}, [1, 5, 9]),
        ({"log_uniform": [1e-4, 4e-4], "step": 1e-4}, [1e-4, 2e-4, 3e-4, 4e-4]),
    ],
)
def test_steps_are_hit_exactly(written: dict[str, Any], values: list[float]) -> None:
    dimension = a_range(written)
    assert [value_at(dimension, index) for index in range(num_values(dimension) or 0)] == values
    drawn = {value_at_fraction(dimension, index / 5000) for index in range(5000)}
    assert sorted(drawn) == values
    assert {type(value) for value in drawn} == {int if dimension.is_integer else float}


RANGES: list[dict[str, Any]] = [
    {"uniform": [-1, 2]},
    {"uniform": [0.1, 0.3]},
    {"log_uniform": [1e-7, 1e-1]},
    {"int_uniform": [-3, 10**12]},
    {"log_int_uniform": [1, 10**30]},
    {"log_int_uniform": [5, 7]},
    {"uniform": [0.3, 1.0], "step": 0.25},
    {"log_uniform": [0.1, 7], "step": 2},
    {"uniform": [-1e300, 1e300]},
]


@pytest.mark.parametrize("written", RANGES, ids=str)
def test_values_stay_within_bounds_and_rise(written: dict[str, Any]) -> None:
    dimension = a_range(written)
    values = [value_at_fraction(dimension, part) for part in (0.0, 1e-18, 0.25, 0.5, 0.75, 1 - 2**-53)]
    assert all(dimension.low <= value <= dimension.high for value in values)
    assert all(left <= right for left, right in pairwise(values))


def chi_square(counts: Counter[Any], shares: dict[Any, float], total: int) -> float:
    return sum((counts[value] - total * share) ** 2 / (total * share) for value, share in shares.items())


def draws(dimension: Range, total: int = 12_000) -> list[float]:
    return [value_at_fraction(dimension, fraction(7, "x", index)) for index in range(total)]


def test_whole_numbers_come_equally_often_the_ends_too() -> None:
    counts = Counter(draws(a_range({"int_uniform": [1, 6]})))
    # 20.5 is the 99.9 % point of chi-square with 5 degrees of freedom.
    assert chi_square(counts, dict.fromkeys(range(1, 7), 1 / 6), 12_000) < 20.5


def test_whole_numbers_in_log_space_have_the_share_of_their_surroundings() -> None:
    counts = Counter(draws(a_range({"log_int_uniform": [1, 6]})))
    whole = math.log(6.5 / 0.5)
    shares = {value: math.log((value + 0.5) / (value - 0.5)) / whole for value in range(1, 7)}
    assert chi_square(counts, shares, 12_000) < 20.5


def test_log_uniform_is_uniform_in_the_exponent() -> None:
    counts = Counter(math.floor(math.log10(value)) for value in draws(a_range({"log_uniform": [1e-5, 1]})))
    # 18.5 is the 99.9 % point with 4 degrees of freedom.
    assert chi_square(counts, dict.fromkeys(range(-5, 0), 1 / 5), 12_000) < 18.5


def test_fractions_are_fixed_numbers() -> None:
    assert fraction(0, "a", 0) == 0.6632426630083659
    assert len({fraction(seed, key, index) for seed in range(3) for key in "ab" for index in range(50)}) == 300
