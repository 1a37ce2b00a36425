"""The folder of a local cluster, where there is no place for it."""

from __future__ import annotations

import shutil
import tempfile
from types import SimpleNamespace

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution.private_folder import private_folder


def test_a_folder_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=3 * 2**20))
    told = "/tmp: a local Ray writes into this folder, which has only 3 MiB of the 32 MiB that it needs.*E521"
    with pytest.raises(ClusterError, match=told) as found, private_folder():
        pass
    assert found.value.exit_code == 4


def test_a_folder_in_which_nothing_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/sys")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=2**30))
    with (
        pytest.raises(ClusterError, match=r"/sys: a local Ray cannot write into this folder: .*\[E521\]"),
        private_folder(),
    ):
        pass
