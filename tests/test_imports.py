"""The house's one rule: data flows one way, imports point back, and each big library has one door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seqjobs

PACKAGE = Path(seqjobs.__file__).parent

# Left to right as data flows: a stage may import from itself and from what stands before it.
STAGES = (
    *("errors", "storage", "tables", "operations", "spec", "search", "planning", "data", "drafting"),
    *("training", "execution", "results", "top", "cli"),
)
# The verbs that tie the stages together, each a file beside the stages, and the package's own names.
TOP = frozenset({"run", "export", "predict", "evaluate", "doctor", "__init__"})

DOORS = {
    "tensorflow": {"training"},
    "keras": {"training"},
    "ray": {"execution"},
    "click": {"cli"},
    "rich": {"cli"},
    "pydantic": {"spec"},
    "pydantic_core": {"spec"},
    "yaml": {"spec"},
    "pyarrow": {"operations", "data", "results"},
}


def stage_of(module: str) -> str:
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else "__init__"
    return "top" if name in TOP else name


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((node.lineno, name if node.module == "seqjobs" else str(node.module)) for name in names)


FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(("seqjobs", *path.relative_to(PACKAGE).with_suffix("").parts))


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_back(path: Path) -> None:
    here = STAGES.index(stage_of(module_of(path)))
    for line, name in imports_of(path):
        if name == "seqjobs.__version__" or name.split(".")[0] != "seqjobs":
            continue
        there = STAGES.index(stage_of(name))
        assert there <= here, f"{path}:{line}: {STAGES[here]} imports {name}, which comes after it"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_each_library_has_one_door(path: Path) -> None:
    stage = stage_of(module_of(path))
    for line, name in imports_of(path):
        allowed = DOORS.get(name.split(".")[0])
        assert allowed is None or stage in allowed, f"{path}:{line}: {name} belongs to {', '.join(allowed or ())}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400, f"{path} has more than 400 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{path}:{node.lineno}: {node.name} is too long"


def test_every_stage_is_a_folder_and_every_folder_a_stage() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(STAGES) - {"top"}


def loaded_after(statement: str) -> set[str]:
    """The top-level modules of a fresh process after a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    return set(done.stdout.split())


def test_a_plan_is_made_without_tensorflow_and_ray() -> None:
    loaded = loaded_after("from seqjobs import load_job, make_plan; make_plan([load_job('jobs/quickstart.yaml')])")
    assert "pydantic" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "ray"})


def test_importing_the_package_loads_nothing_big() -> None:
    assert loaded_after("import seqjobs").isdisjoint({"pydantic", "yaml", "numpy", "pyarrow", "ray", "tensorflow"})


def test_the_driver_never_loads_tensorflow() -> None:
    loaded = loaded_after(
        "import seqjobs.run, seqjobs.export, seqjobs.predict, seqjobs.evaluate, seqjobs.doctor, seqjobs.cli.main"
    )
    assert loaded.isdisjoint({"tensorflow", "keras", "ray"})
