"""A kept cluster that is written down and does not answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution.kept import cluster
from seqjobs.execution.kept.folder import KeptFolder, KeptState, ProcessId


def test_a_cluster_that_does_not_answer(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path / "kept")
    folder.make()
    keeper = ProcessId.of(os.getpid())
    folder.write(KeptState(keeper=keeper, address="", fingerprint="", since="2026-01-01T00:00:00Z", idle_seconds=1))
    with pytest.raises(ClusterError, match=r"E515 .*: the kept cluster does not answer: .* Fix: run `seqjobs down"):
        cluster.status(folder)
