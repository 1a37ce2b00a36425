"""Child: a module that measures in a process of its own, so that nothing of one measurement is left for the next."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_SECONDS = 1_200


class ChildError(Exception):
    """A module did not print what it measured."""


def measured_by(module: str, *arguments: object) -> str:
    """The last line that `python -m module` prints. Raises ChildError where it fails, with what it said shown."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    began = time.perf_counter()
    shown = " ".join([module, *(Path(str(argument)).name for argument in arguments)])
    print(f"   {shown} ...", end="", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        print(" too slow", file=sys.stderr, flush=True)
        raise ChildError(f"took more than {TIMEOUT_SECONDS} s") from error
    print(f" {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    if done.returncode or not done.stdout.strip():
        print(done.stderr[-3000:], file=sys.stderr, flush=True)
        raise ChildError(f"failed, exit code {done.returncode}")
    return done.stdout.strip().splitlines()[-1]


def _environment() -> dict[str, str]:
    """That of this process, but for clusters it may know of, which are warm, and for TensorFlow's chatter."""
    kept = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(paths),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # Where `seqjobs up` would have noted a cluster that it keeps.
        "XDG_STATE_HOME": str(Path(tempfile.gettempdir()) / f"seqjobs-benchmarks-state-{os.getpid()}"),
    }
