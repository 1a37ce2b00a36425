"""Clusters that are lost while packs run on them: the run ends in order, soon, and the same command goes on."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution import cluster_watch
from seqjobs.execution.cluster_watch import ClusterWatch, asked
from tests.faults.ray_faults import FAULTS

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.mark.parametrize("fault", ["gcs"])
def test_a_sample_of_the_faults_of_ray(fault: str, tmp_path: Path) -> None:
    FAULTS[fault](tmp_path)


def test_a_cluster_that_others_started_is_missed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_watch, "PROBE_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as head, socket.create_server(("127.0.0.1", 0)) as raylet:
        node = SimpleNamespace(
            all_processes={},
            gcs_address=f"127.0.0.1:{head.getsockname()[1]}",
            node_ip_address="127.0.0.1",
            node_manager_port=raylet.getsockname()[1],
        )
        ray = SimpleNamespace(_private=SimpleNamespace(worker=SimpleNamespace(_global_node=node)))
        with cluster_watch.watching(ray) as watch:
            for server in (head, raylet):
                server.accept()[0].close()  # it has been looked for
            watch.check()
            head.close()
            with pytest.raises(ClusterError, match=rf"its head at {node.gcs_address} does not answer.*\[E520\]"):
                _check_for_ever(watch)


def test_who_waits_for_an_answer_of_a_head_that_is_gone_waits_no_longer() -> None:
    gone: list[str] = []
    watch = ClusterWatch(lambda: gone[0] if gone else "")

    def call() -> None:
        gone.append("its gcs_server ended with -9")
        time.sleep(3600)

    with pytest.raises(ClusterError, match=r"the cluster is lost: its gcs_server ended with -9.*\[E520\]"):
        asked(call, watch.check)
    with pytest.raises(ClusterError, match="E520"):
        asked(pytest.fail, watch.check)


def test_answers_and_errors_come_through() -> None:
    assert asked(lambda: 42, lambda: None) == 42
    with pytest.raises(ZeroDivisionError):
        asked(_divide, lambda: None)


def _check_for_ever(watch: ClusterWatch) -> None:
    while True:
        watch.check()


def _divide() -> Any:
    return 1 / 0
