"""What a start imports: the command line answers before anything heavy is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.files import write_spec

from .written_runs import spec_text

REPORT = """
import json, sys
from seqjobs.cli.main import main
sys.argv = ["seqjobs", *sys.argv[1:]]
code = 0
try:
    main()
except SystemExit as error:
    code = error.code
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]), file=sys.stderr)
sys.exit(code)
"""


def run_and_list(*arguments: str) -> tuple[int, set[str], str]:
    """The exit code, the top-level modules that were loaded at the end, and stdout.

    A command that reads data files runs in a child process, which reports before its parent does.
    """
    done = subprocess.run([sys.executable, "-c", REPORT, *arguments], capture_output=True, text=True, check=False)
    code, modules = json.loads(next(line for line in done.stderr.splitlines() if line.startswith("[")))
    return code, set(modules), done.stdout


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("completion", "fish"), ("explain",), ("explain", "E302")]
)
def test_what_needs_no_spec_imports_click_alone(arguments: tuple[str, ...]) -> None:
    code, modules, _ = run_and_list(*arguments)
    assert code == 0
    assert "click" in modules
    assert not modules & {"pydantic", "yaml", "rich", "pyarrow", "numpy", "ray", "tensorflow"}


def test_validate_imports_no_array_library(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").touch()
    code, modules, output = run_and_list("validate", str(write_spec(tmp_path, spec_text())))
    assert code == 0, output
    assert "pydantic" in modules
    assert not modules & {"tensorflow", "keras", "ray", "numpy", "pyarrow", "rich"}


@pytest.mark.parametrize("command", ["submit", "plan"])
def test_a_wrong_spec_is_told_before_ray_and_tensorflow(tmp_path: Path, command: str) -> None:
    (tmp_path / "rows.parquet").touch()
    path = write_spec(tmp_path, spec_text().replace("fit:", "fitt:"))
    code, modules, _ = run_and_list(command, str(path))
    assert code == 2
    assert not modules & {"tensorflow", "keras", "ray"}
