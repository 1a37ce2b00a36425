"""`python -m tests`: everything that must hold before a change is taken, in the order of how soon it fails."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
)
# Half of the time is TensorFlow's, compiling on one core; what starts clusters and kills them mostly waits.
COMPILING = (
    "tests/training/packs",
    *(
        f"tests/training/test_{name}.py"
        for name in ("checkpoint", "exactness", "programs", "strategy", "streamed", "weights")
    ),
)
WAITING = ("tests/execution", "tests/faults")
THIRDS = (
    ("pytest", *COMPILING),
    ("pytest", *WAITING),
    ("pytest", "tests", *(f"--ignore={path}" for path in (*COMPILING, *WAITING))),
)
# The first of several takes longest, so the others leave it a core.
NICENESS = 5


def main() -> int:
    """Runs the checks until one fails, then the tests; arguments go to one pytest, which runs alone then."""
    for check in CHECKS:
        if code := _run_side_by_side([check]):
            return code
    return _run_side_by_side([("pytest", *sys.argv[1:])] if sys.argv[1:] else THIRDS)


def _run_side_by_side(commands: Sequence[Sequence[str]]) -> int:
    """Shows what the first says at once, and of the others in the end; returns the first exit code that is not 0."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / str(index) for index in range(1, len(commands))]
        print(f"-- {' '.join(commands[0])}", flush=True)
        running = [_started(commands[0], None), *map(_started, commands[1:], outputs)]
        for process in running[1:]:
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        codes = [process.wait() for process in running]
        for command, output in zip(commands[1:], outputs, strict=True):
            print(f"-- {' '.join(command)}\n{output.read_text(errors='replace')}", flush=True)
    return next(filter(None, codes), 0)


def _started(command: Sequence[str], output: Path | None) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", *command]
    if output is None:
        return subprocess.Popen(arguments, cwd=ROOT)
    with output.open("wb") as file:
        return subprocess.Popen(arguments, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    sys.exit(main())
