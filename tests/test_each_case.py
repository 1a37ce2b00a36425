"""One test over many cases reports all that fail."""

from __future__ import annotations

import pytest

from tests.each_case import each_case


def test_all_cases_that_fail_are_reported() -> None:
    @each_case([(1, 2), (2, 2), (3, 4)])
    def check(number: int, other: int) -> None:
        assert number == other, f"{number} is not {other}"

    with pytest.raises(AssertionError, match="2 of 3 cases") as caught:
        check()
    assert "1 is not 2" in str(caught.value)
    assert "3 is not 4" in str(caught.value)


def test_an_error_that_was_expected_and_did_not_come_is_a_failure() -> None:
    @each_case(["1"])
    def check(text: str) -> None:
        with pytest.raises(ValueError, match="invalid"):
            int(text)

    with pytest.raises(AssertionError, match="DID NOT RAISE"):
        check()


def test_without_cases_nothing_was_tested() -> None:
    @each_case([])
    def check(_: object) -> None: ...

    with pytest.raises(AssertionError, match="no cases"):
        check()
