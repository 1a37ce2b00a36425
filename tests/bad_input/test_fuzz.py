"""Samples of the fuzzers, and what the watch sees."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def run(*arguments: str) -> str:
    """Run Python to its successful end in a process of its own, and return what it printed."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-5000:]}"
    return done.stdout


def test_specs_with_mistakes_are_accepted_or_refused_and_nothing_else() -> None:
    outcomes = run("-m", "tests.bad_input.fuzz", "specs", "--examples", "250")
    # The specs are neither all right nor all wrong at the first character.
    for code in ("accepted", "E103", "E201", "E206", "E211", "E304"):
        assert f"{code} " in outcomes


def test_wrong_parquet_files_are_read_or_refused_and_nothing_else() -> None:
    outcomes = run("-m", "tests.bad_input.fuzz", "files", "--examples", "300")
    for outcome in ("read", "E411"):
        assert f"{outcome} " in outcomes


@pytest.mark.slow
def test_random_tables_are_prepared_or_refused_and_nothing_else() -> None:
    outcomes = run("-W", "error::RuntimeWarning", "-m", "tests.bad_input.fuzz", "tables", "--examples", "60")
    for outcome in ("prepared", "checked E403", "decoded E408"):
        assert f"{outcome} " in outcomes


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "examples"), [("specs", 20_000), ("files", 50_000), ("tables", 5000)])
def test_many_more_examples_that_are_new_each_time(kind: str, examples: int, tmp_path: Path) -> None:
    seed = secrets.randbelow(2**32)
    run("-m", "tests.bad_input.fuzz", kind, "--examples", f"{examples}", "--seed", f"{seed}", "--folder", f"{tmp_path}")


ACTS = {
    "open('/etc/passwd')": "open ('/etc/passwd', 'r'",
    "open(allowed, 'a')": "'a', ",
    "os.open('/etc/passwd', os.O_RDONLY)": "open ('/etc/passwd', None",
    "socket.socket()": "socket.__new__",
    "socket.getaddrinfo('localhost', 1)": "socket.getaddrinfo",
    "subprocess.Popen(['nothing-of-this-name'])": "subprocess.Popen",
    "os.system('')": "os.system",
    "os.execv('/nothing', ['x'])": "os.exec",
    "os.mkdir('/proc/x')": "os.mkdir",
    "import numpy": "import ('numpy'",
    "eval('1')": "exec ",
}
ALLOWED_ACT = "open(allowed).close(); import colorsys"
WATCHED = """
import json, os, socket, subprocess, sys
from pathlib import Path
from tests.bad_input.watch import Watch
watch = Watch()
allowed, *acts = sys.argv[1:]
seen = []
for act in acts:
    with watch.looking(Path(allowed)):
        try:
            exec(act)
        except OSError:
            pass
    seen.append(list(watch.seen))
    watch.seen.clear()
print(json.dumps(seen))
"""


def test_the_watch_sees_each_act_and_not_what_is_allowed(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.touch()
    *seen, of_allowed = json.loads(run("-c", WATCHED, str(allowed), *ACTS, ALLOWED_ACT))
    missed = [act for act, events in zip(ACTS, seen, strict=True) if ACTS[act] not in "\n".join(events)]
    assert missed == []
    # The text of the act is the only code that comes from no file.
    assert [event.split()[0] for event in of_allowed] == ["compile", "exec"]
