"""Random run folders that somebody planted: a sample that is the same each time, and many new ones."""

from __future__ import annotations

import secrets

import pytest

from .planted import assert_planted_folders_are_harmless


@pytest.mark.slow
def test_planted_folders_harm_nobody() -> None:
    assert_planted_folders_are_harmless(examples=40)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_more_planted_folders_that_are_new_each_time() -> None:
    assert_planted_folders_are_harmless(examples=3000, number=secrets.randbelow(2**32))
