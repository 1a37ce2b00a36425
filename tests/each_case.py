"""Many cases in one test that reports every case that fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def each_case(cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Run a test for every case, in one item; fail with the list of all cases that failed.

    A tuple is passed as separate arguments, anything else as one. The test takes no fixtures.
    """
    all_cases = list(cases)

    def decorate(check: Callable[..., None]) -> Callable[[], None]:
        def test() -> None:
            assert all_cases, "there are no cases"
            offenders = [found for case in all_cases if (found := _failure(check, case))]
            assert not offenders, f"{len(offenders)} of {len(all_cases)} cases:\n" + "\n".join(offenders)

        test.__name__ = check.__name__
        test.__doc__ = check.__doc__
        test.__module__ = check.__module__
        return test

    return decorate


def _failure(check: Callable[..., None], case: Any) -> str | None:
    try:
        check(*(case if isinstance(case, tuple) else (case,)))
    except (Exception, pytest.fail.Exception) as error:
        file = check.__code__.co_filename
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        return f"{_describe(case)}: {type(error).__name__} in line {lines[-1] if lines else '?'}: {error}"
    return None


def _describe(case: Any) -> str:
    """Return the name of what has one, and else its text, cut to 300 characters."""
    if isinstance(case, tuple):
        return ", ".join(map(_describe, case))
    name = getattr(case, "name", None)
    return name if isinstance(name, str) else f"{case!r:.300}"
