"""Commands that read data files: a reader that dies is one message, and a command in a child is still the command."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from pyarrow import orc

from tests.fixtures.command_line import SEQJOBS, run
from tests.fixtures.files import write_rows, write_spec

DEEP = '{"x": 1, "label": 0, "z": ' + "[" * 200_000 + "]" * 200_000 + "}\n"
SPEC = """
name: deep
data: {train: deep.jsonl, features: [x], target: label}
model: [{Dense: {units: 3, activation: softmax}}]
compile: {optimizer: adam, loss: sparse_categorical_crossentropy}
"""
# Where so little memory is free, C++ prints why it ends the process.
WITH_LITTLE_MEMORY = """
import psutil, types
psutil.virtual_memory = lambda: types.SimpleNamespace(available=96 << 20)
from seqjobs.cli.main import main
main()
"""
WRITING = """
import os, signal
from pathlib import Path
from seqjobs.cli.reading_child import in_child
from seqjobs.data.reading_note import reading
from seqjobs.store import durable
def write():
    with durable.written(Path("rows.csv")) as file, reading("new.orc"):
        file.write(b"1")
        os.kill(os.getpid(), signal.SIGKILL)
in_child(write)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep.jsonl").write_text(DEEP)
    write_spec(tmp_path, SPEC)
    write_rows(tmp_path / "good.parquet", {"x": [1.0, 2.0] * 20, "label": [0, 1] * 20})
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("init", "deep.jsonl", "--target", "label", "--out", "spec.yaml"),
        ("plan", "job.yaml"),
        ("plan", "--data", "job.yaml"),
        ("submit", "--dry-run", "job.yaml"),
    ],
    ids=" ".join,
)
def test_a_reader_that_dies_is_one_message_that_names_the_file(folder: Path, arguments: tuple[str, ...]) -> None:
    before = sorted(folder.iterdir())
    done = run(*arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, ""), done
    (line,) = done.stderr.splitlines()
    assert line.startswith("deep.jsonl: the process that was reading this file died of SIGSEGV")
    assert "Fix: write the file again" in line
    assert line.endswith("[E425]")
    assert sorted(folder.iterdir()) == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
def test_what_libraries_print_as_they_die_is_not_shown(folder: Path) -> None:
    texts = pa.array([f"{row % 3}" * (3 << 20) for row in range(30)])
    orc.write_table(pa.table({"x": range(30), "label": texts}), folder / "large.orc", compression="zstd")
    arguments = ("init", "large.orc", "--target", "label")
    done = run(*arguments, command=[sys.executable, "-c", WITH_LITTLE_MEMORY], folder=folder)
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    assert line.startswith("large.orc: the process that was reading this file died"), line


def test_output_and_exit_codes_are_those_of_the_command(folder: Path) -> None:
    done = run("init", "good.parquet", "--target", "label", "--out", "spec.yaml", folder=folder)
    assert (done.returncode, done.stdout) == (0, ""), done
    assert done.stderr == "wrote spec.yaml; train with: seqjobs submit spec.yaml\n"
    done = run("plan", "spec.yaml", folder=folder)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "nothing was started" in done.stdout
    assert run("init", "none.parquet", "--target", "label", folder=folder).returncode == 2


def test_what_a_dead_child_was_writing_is_removed(folder: Path) -> None:
    """As the predictions of `seqjobs predict`, which are published once they are complete."""
    before = sorted(folder.iterdir())
    for out in (["--out", "rows.csv"], ["--out=rows.csv"]):
        done = run(*out, command=[sys.executable, "-c", WRITING], folder=folder)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert done.stderr.startswith("new.orc: the process that was reading this file died of SIGKILL")
        assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_the_child_ends_with_its_parent(folder: Path, sent: signal.Signals) -> None:
    command = [*SEQJOBS, "plan", "-"]  # which waits at its input
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        while not psutil.Process(process.pid).children():
            assert process.poll() is None
        process.send_signal(sent)
        # Its other end is closed once the child is gone too.
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert process.returncode == -sent
