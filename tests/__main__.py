"""Run the tests of one tier: `python -m tests [full | long] [arguments of pytest]`.

Without a tier it runs the first one, which must pass before a change is taken, with the linters and the type checker
beside it. `full` runs what takes longer, `long` what is run by hand and before a release.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.tiers import TIERS

ROOT = Path(__file__).parent.parent
CHECKS = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
# Two more than there are cores: tests that start clusters and kill processes mostly wait.
PROCESSES = (os.cpu_count() or 1) + 2
# A group of tests stays in one process and groups start in the order in which `tests/conftest.py` puts them.
SPREAD = ("-n", str(PROCESSES), "--dist", "loadgroup", "--no-loadscope-reorder", "--max-worker-restart", "0")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A linter or the type checker, running beside the tests."""

    command: tuple[str, ...]
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, command: tuple[str, ...]) -> Check:
        process = subprocess.Popen(_python(*command), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return cls(command=command, process=process)

    def result(self, stream: IO[str]) -> int:
        """Wait for the check, write its output to the stream if it failed, and return its exit code."""
        output, _ = self.process.communicate()
        if self.process.returncode:
            print(f"\n{' '.join(self.command)} failed:\n{output.decode(errors='replace')}", file=stream, flush=True)
        return self.process.returncode


def main(arguments: list[str]) -> int:
    """Run a tier and return the exit code of what failed, 0 if nothing did."""
    tier, options = "first", arguments
    if arguments and arguments[0] in TIERS:
        tier, options = arguments[0], arguments[1:]
    checks = [Check.start(command) for command in CHECKS] if tier == "first" else []
    spread = () if tier == "long" or "-n" in options else SPREAD
    tests = subprocess.run(_python("pytest", "-m", TIERS[tier], *spread, *options), cwd=ROOT, check=False).returncode
    codes = [tests, *(check.result(sys.stderr) for check in checks)]
    return next(filter(None, codes), 0)


def _python(*module_and_arguments: str) -> list[str]:
    return [sys.executable, "-m", *module_and_arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
