"""`python -m tests`: everything that must hold before a change is taken, in the order of how soon it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    # pip compiles what it installs, but not this: the hundreds of processes that the tests start would, one by one.
    ("compileall", "-q", "seqjobs", "tests"),
)
# Two more than there are cores: what starts clusters and kills them mostly waits. Files stay whole, for the tests of
# one share what they start.
PROCESSES = (os.cpu_count() or 1) + 2
TESTS = ("pytest", "-n", str(PROCESSES), "--dist", "loadfile", "--no-loadscope-reorder", "tests")


def main() -> int:
    """Runs the checks until one fails, then the tests; arguments go to one pytest, which runs alone then."""
    tests = ("pytest", *sys.argv[1:]) if sys.argv[1:] else TESTS
    return next(filter(None, map(_run, (*CHECKS, tests))), 0)


def _run(command: tuple[str, ...]) -> int:
    print(f"-- {' '.join(command)}", flush=True)
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
