"""Clusters that cannot be had, without starting one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import ray

from seqjobs.errors import ClusterError
from seqjobs.execution.ray_cluster import connected


def test_a_process_that_is_in_a_cluster_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    with (
        pytest.raises(ClusterError, match=r"this process is connected to a Ray cluster already.*\[E510\]"),
        connected(None),
    ):
        pass


def test_a_cluster_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[SimpleNamespace] = []

    def refuse(**options: Any) -> None:
        asked.append(SimpleNamespace(**options))
        raise ConnectionError("nobody listens at head:6379")

    monkeypatch.setattr(ray, "init", refuse)
    told = "head:6379: Ray cannot be reached: nobody listens at head:6379.*E508"
    with pytest.raises(ClusterError, match=told), connected("head:6379"):
        pass
    assert [options.address for options in asked] == ["head:6379"]
    assert not ray.is_initialized()
