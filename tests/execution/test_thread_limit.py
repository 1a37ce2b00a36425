"""Users that may have few processes and threads."""

from __future__ import annotations

import os
import resource

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution import ray_cluster, thread_limit
from seqjobs.execution.thread_limit import LEAST_FREE_THREADS, check_thread_limit


def limited(monkeypatch: pytest.MonkeyPatch, limit: int, user: int, threads: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (limit, limit))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(thread_limit, "_threads_of", lambda _user: threads)


def test_a_user_who_may_have_too_few_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, 300, 1000, 45)
    told = (
        "this user has 45 of at most 300 processes and threads; a local Ray needs 256 more. Fix: raise the limit.*E522"
    )
    with pytest.raises(ClusterError, match=told), ray_cluster.connected(None):
        pass


@pytest.mark.parametrize(
    ("limit", "user", "threads"),
    [(300, 0, 290), (45 + LEAST_FREE_THREADS, 1000, 45), (resource.RLIM_INFINITY, 1000, 10**6)],
)
def test_others_are_not(monkeypatch: pytest.MonkeyPatch, limit: int, user: int, threads: int) -> None:
    limited(monkeypatch, limit, user, threads)
    check_thread_limit()


def test_threads_are_counted() -> None:
    assert thread_limit._threads_of(os.getuid()) >= 1
