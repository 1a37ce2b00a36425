"""Who looks at a clock that anybody may set: limits, back-offs and stalls go by one that nobody can."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.test_imports import PACKAGE

# Names and stamps that a person reads, and how old files are that a killed process may have left, which are locked
# where they are in use.
MAY_LOOK = {
    "cli/commands/gc.py": {"datetime.now"},
    "data/streamed/scratch.py": {"time.time"},
    "execution/kept/keeper.py": {"datetime.now"},
    "execution/private_folder.py": {"time.time"},
    "results/repair.py": {"datetime.now"},
    "results/run_folders.py": {"datetime.now"},
    "results/held_run.py": {"datetime.now"},
}
WALL = {
    *(f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "clock_gettime")),
    *(f"datetime.{name}" for name in ("now", "utcnow", "today")),
    *("date.today", "datetime.datetime.now", "datetime.date.today"),
}


def looks_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & WALL
    taken = {
        f"time.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
    }
    return named | taken & WALL


def test_the_wall_clock_is_looked_at_for_stamps_and_ages_of_files_alone() -> None:
    looks = {
        path.relative_to(PACKAGE).as_posix(): found
        for path in sorted(PACKAGE.rglob("*.py"))
        if (found := looks_of(path))
    }
    assert looks == MAY_LOOK
