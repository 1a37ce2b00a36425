"""What tests of training share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Once = Callable[[Any, Callable[[], Any]], Any]
"""What `make()` gives, made for the first that asks by this key."""


@pytest.fixture(scope="module")
def once() -> Once:
    """For references that several tests of a module compare with: each is made of a seed alone, by nothing held."""
    made: dict[Any, Any] = {}

    def get(key: Any, make: Callable[[], Any]) -> Any:
        if key not in made:
            made[key] = make()
        return made[key]

    return get
