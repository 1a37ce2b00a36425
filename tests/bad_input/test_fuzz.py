"""Samples of the two fuzzes, and that what it watches by sees what it is to see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

WATCHED = """
import os, socket, subprocess, sys
from pathlib import Path
from tests.bad_input.watch import Watch
watch = Watch()
allowed = sys.argv[2]
with watch.looking(Path(allowed)):
    try:
        exec(sys.argv[1])
    except OSError:
        pass
print("\\n".join(watch.seen))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_thousand_specs_with_mistakes_are_accepted_or_refused_and_nothing_else() -> None:
    done = run("-m", "tests.bad_input.fuzz", "--seed", "1", "--mutations", "1500")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1,500 mutations, ")
    # Neither all right nor all wrong at the first character.
    for code in ("accepted", "E103", "E201", "E206", "E211", "E302", "E304", "E305", "E704"):
        assert f" {code} " in done.stdout


@pytest.mark.slow
def test_parquet_files_that_lie_are_read_or_refused_and_nothing_else() -> None:
    done = run("-m", "tests.bad_input.fuzz_data", "--seed", "1", "--mutations", "300")
    assert done.returncode == 0, done.stderr[-2000:]
    for outcome in ("read", "E411", "E413"):
        assert f"('{outcome}', " in done.stdout


@pytest.mark.parametrize(
    ("act", "event"),
    [
        ("open('/etc/passwd')", "open ('/etc/passwd', 'r'"),
        ("open(allowed, 'a')", "'a', "),
        ("os.open('/etc/passwd', os.O_RDONLY)", "open ('/etc/passwd', None"),
        ("socket.socket()", "socket.__new__"),
        ("socket.getaddrinfo('localhost', 1)", "socket.getaddrinfo"),
        ("subprocess.Popen(['nothing-of-this-name'])", "subprocess.Popen"),
        ("os.system('')", "os.system"),
        ("os.execv('/nothing', ['x'])", "os.exec"),
        ("os.mkdir('/proc/x')", "os.mkdir"),
        ("import numpy", "import ('numpy'"),
        ("eval('1')", "exec "),
    ],
)
def test_an_act_is_seen(act: str, event: str, tmp_path: Path) -> None:
    done = run("-c", WATCHED, act, str(tmp_path / "allowed"))
    assert done.returncode == 0, done.stderr
    assert event in done.stdout


def test_what_is_allowed_is_not_seen(tmp_path: Path) -> None:
    (tmp_path / "allowed").touch()
    done = run("-c", WATCHED, "open(allowed).close(); import colorsys", str(tmp_path / "allowed"))
    assert done.returncode == 0, done.stderr
    # The watched text itself is the only code that is run out of no file.
    assert [line.split()[0] for line in done.stdout.splitlines() if line] == ["compile", "exec"]
