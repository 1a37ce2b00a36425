"""Commands that may have little memory, or write little: they say so, and name the limit."""

from __future__ import annotations

import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SPEC = """
name: small
data: {train: rows.parquet, target: label, memory: 1MiB}
model: [{Dense: {units: 1, activation: sigmoid}}]
compile: {optimizer: adam, loss: binary_crossentropy}
fit: {epochs: 1}
objective: {metric: loss, direction: minimize}
"""
MIB = 1 << 20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process so")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    columns = {f"x{number}": random.normal(size=100_000).astype("float32") for number in range(8)}
    pq.write_table(pa.table({**columns, "label": random.integers(0, 2, 100_000)}), tmp_path / "rows.parquet")
    (tmp_path / "job.yaml").write_text(SPEC)
    (tmp_path / "temporary").mkdir()
    return tmp_path


def run(folder: Path, *arguments: str, limit: int, of: int = resource.RLIMIT_AS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seqjobs.cli.main", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder / "temporary")},
        preexec_fn=partial(resource.setrlimit, of, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("mebibytes", [100, 330, 400])
def test_too_little_memory_is_told_with_its_limit(folder: Path, mebibytes: int) -> None:
    """Whichever library gets none, and whether it raises an error or ends its process."""
    done = run(folder, "plan", "job.yaml", "--data", limit=mebibytes * MIB)
    line = done.stderr.splitlines()[-1]
    assert f"`ulimit -v` limits this process to {mebibytes} MiB" in line
    assert "bug" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 4 or done.returncode not in (0, 1, 70)


def test_no_local_ray_is_started_that_could_not_work(folder: Path) -> None:
    """Its processes would abort, or be waited for in vain."""
    done = run(folder, "submit", "job.yaml", limit=3 << 30)
    assert done.returncode == 4, done
    line = done.stderr.splitlines()[-1]
    assert "`ulimit -v` limits each process to 3 GiB" in line
    assert line.endswith("[E530]")
    assert "ulimit -v unlimited" in line
    assert list((folder / "temporary").glob("seqjobs-*/ray")) == []


def test_a_file_of_rows_that_may_not_be_so_large_is_told(folder: Path) -> None:
    done = run(folder, "plan", "job.yaml", "--data", limit=MIB, of=resource.RLIMIT_FSIZE)
    assert done.returncode == 2, done
    line = done.stderr.splitlines()[-1]
    assert "rows beyond data.memory cannot be written to a temporary file: File too large; " in line
    assert "`ulimit -f` limits files to 1 MiB" in line
    assert f"{folder}/temporary/seqjobs-rows-" in line
    assert "TMPDIR" in line
    assert line.endswith("[E413]")
    assert [path.name for path in (folder / "temporary").glob("*/*") if path.suffix == ".part"] == []
    assert run(folder, "plan", "job.yaml", "--data", limit=resource.RLIM_INFINITY).returncode == 0
