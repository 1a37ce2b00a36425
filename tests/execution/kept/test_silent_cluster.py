"""A kept cluster that is written down and does not answer, or answers late."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution.kept import cluster
from seqjobs.execution.kept.folder import KeptFolder, KeptState, ProcessId
from seqjobs.execution.kept.leased import LeasedWorkers
from seqjobs.execution.kept.local_socket import Connection
from seqjobs.planning.resources import Resources


def test_a_cluster_that_does_not_answer(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path / "kept")
    folder.make()
    keeper = ProcessId.of(os.getpid())
    folder.write(KeptState(keeper=keeper, address="", fingerprint="", since="2026-01-01T00:00:00Z", idle_seconds=1))
    with pytest.raises(ClusterError, match=r"the warm cluster does not answer: .* Fix: run `seqjobs down.*\[E515\]"):
        cluster.status(folder)


def test_an_answer_that_comes_late_is_not_taken_for_that_to_the_next_question(tmp_path: Path) -> None:
    ours, keepers = socket.socketpair()
    ours.settimeout(0.1)
    state = KeptState(keeper=ProcessId.of(os.getpid()), address="", fingerprint="", since="", idle_seconds=1)
    with keepers:
        leased = LeasedWorkers(Connection(ours), KeptFolder(tmp_path / "kept"), state, {"CPU": 1.0})
        leased.end(object())  # not answered in time, which is no matter where a worker is parted with
        with contextlib.suppress(BrokenPipeError):  # nobody is there to hear it any more
            keepers.sendall(json.dumps({}).encode() + b"\n")
        for ask in (leased.check, lambda: leased.start(Resources(), 0.0)):
            with pytest.raises(ClusterError, match=r"the warm cluster was lost.*\[E516\]"):
                ask()
        leased.close()
