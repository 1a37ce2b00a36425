"""What an actor died of, where Ray says at first that it cannot reach it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import ray

from seqjobs.execution.ray_call import death_of

UNAVAILABLE = ray.exceptions.ActorUnavailableError("connection lost", b"x" * 16)
TIMEOUT = ray.exceptions.GetTimeoutError("busy")
OUT_OF_MEMORY = ray.exceptions.OutOfMemoryError("the node ran low on memory")


@pytest.mark.parametrize(
    ("error", "then", "death"),
    [
        (OUT_OF_MEMORY, None, OUT_OF_MEMORY),
        (UNAVAILABLE, OUT_OF_MEMORY, OUT_OF_MEMORY),
        (UNAVAILABLE, UNAVAILABLE, None),
        (UNAVAILABLE, TIMEOUT, None),
        (UNAVAILABLE, None, None),
    ],
)
def test_a_lost_connection_is_no_death(error: Exception, then: Exception | None, death: Exception | None) -> None:
    def get(_reference: Any, timeout: float) -> None:  # noqa: ARG001
        if then is not None:
            raise then

    told = SimpleNamespace(exceptions=ray.exceptions, get=get)
    actor = SimpleNamespace(facts=SimpleNamespace(remote=lambda: "reference"))
    assert death_of(told, actor, error) is death
