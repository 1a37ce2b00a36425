"""What the modules share that start clusters of their own."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(scope="module")
def _forgotten_token() -> None:
    """Ray reads a cluster's token once a process; each of these modules has a cluster, and so a token, of its own."""
    if "ray" in sys.modules:
        from ray._raylet import AuthenticationTokenLoader  # type: ignore[attr-defined] # noqa: PLC0415 (is loaded)

        AuthenticationTokenLoader.instance().reset_cache()
