"""`python -m tests`: everything that must hold before a change is taken, in the order of how soon it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
STEPS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("pytest",),
)


def main() -> int:
    """Runs the steps until one fails; arguments go to pytest."""
    for module, *arguments in STEPS:
        extra = sys.argv[1:] if module == "pytest" else []
        print(f"-- {module} {' '.join([*arguments, *extra])}", flush=True)
        done = subprocess.run([sys.executable, "-m", module, *arguments, *extra], cwd=ROOT, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
