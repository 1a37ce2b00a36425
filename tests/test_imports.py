"""The structure of the package: imports point back, no circles, one door for each large library, short files."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import seqjobs

PACKAGE = Path(seqjobs.__file__).parent

# Left to right as data flows: a stage may import from itself and from the stages before it.
STAGES = (
    *("errors", "store", "tables", "operations", "jobspec", "search", "data", "drafting", "planning"),
    *("training", "execution", "results", "top", "cli"),
)
# The commands that connect the stages, each a file next to the stages, and the package's own names.
TOP = frozenset({"run", "preview", "export", "predict", "evaluate", "doctor", "__init__"})

DOORS = {
    "tensorflow": {"training"},
    "keras": {"training"},
    "ray": {"execution"},
    "click": {"cli"},
    "rich": {"cli"},
    "pydantic": {"jobspec"},
    "pydantic_core": {"jobspec"},
    "yaml": {"jobspec"},
    "pyarrow": {"operations", "data", "results"},
}

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60


@cache
def syntax_trees() -> Mapping[str, ast.Module]:
    """Parse each file of the package once, by the name of its module."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def module_of(path: Path) -> str:
    parts = ("seqjobs", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def stage_of(module: str) -> str:
    _, _, rest = module.partition(".")
    name = rest.partition(".")[0] or "__init__"
    return "top" if name in TOP else name


@cache
def imports() -> tuple[tuple[str, int, str], ...]:
    """List every import of the package: the importing module, its line, and the imported name.

    `from package import name` imports `package.name` if that is a module, and else `package`.
    """
    return tuple((module, *found) for module, tree in syntax_trees().items() for found in imports_of(tree))


def imports_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + str(node.module)
            for alias in node.names:
                name = f"{package}.{alias.name}"
                yield node.lineno, name if name in syntax_trees() or package == "seqjobs" else package


def circles(edges: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """Return the largest groups of nodes in which each node reaches every other one."""
    reached = {node: reachable(node, edges) for node in edges}
    groups = {frozenset(other for other in reached[node] if node in reached.get(other, ())) for node in edges}
    return groups - {frozenset()}


def reachable(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Return the nodes that at least one edge leads to from `start`; `start` itself only if it is in a circle."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def test_imports_point_back() -> None:
    offenders = []
    for module, line, name in imports():
        if name == "seqjobs.__version__" or name.partition(".")[0] != "seqjobs":
            continue
        if STAGES.index(stage_of(name)) > STAGES.index(stage_of(module)):
            offenders.append(f"{module}:{line} imports {name}, a later stage")
    assert not offenders, "\n".join(offenders)


def test_no_import_is_relative() -> None:
    offenders = [f"{module}:{line} imports {name}" for module, line, name in imports() if name.startswith(".")]
    assert not offenders, "\n".join(offenders)


def test_no_files_import_one_another_in_a_circle() -> None:
    """Imports under TYPE_CHECKING count, too."""
    edges: dict[str, set[str]] = {module: set() for module in syntax_trees()}
    for module, _, name in imports():
        if name in edges:
            edges[module].add(name)
    offenders = [f"these import one another: {', '.join(sorted(circle))}" for circle in circles(edges)]
    assert not offenders, "\n".join(offenders)


def test_circles_are_found() -> None:
    edges = {"a": {"b"}, "b": {"c", "a"}, "c": {"d"}, "d": {"e"}, "e": {"c"}, "f": {"a"}, "g": {"g"}}
    assert circles(edges) == {frozenset("ab"), frozenset("cde"), frozenset("g")}


def test_each_large_library_has_one_door() -> None:
    offenders = []
    for module, line, name in imports():
        allowed = DOORS.get(name.partition(".")[0])
        if allowed is not None and stage_of(module) not in allowed:
            offenders.append(f"{module}:{line} imports {name}, which only {', '.join(sorted(allowed))} may import")
    assert not offenders, "\n".join(offenders)


def test_files_and_functions_stay_short() -> None:
    offenders = []
    for path in sorted(PACKAGE.rglob("*.py")):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_FILE_LINES:
            offenders.append(f"{module_of(path)} has {lines} lines")
    for module, tree in syntax_trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    offenders.append(f"{module}:{node.lineno} {node.name} has {lines} lines")
    assert not offenders, "\n".join(offenders)


def test_every_stage_is_a_folder_and_every_folder_a_stage() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(STAGES) - {"top"}


def loaded_after(statement: str) -> set[str]:
    """Return the top-level modules that a new process has after a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    return set(done.stdout.split())


def test_a_plan_is_made_without_tensorflow_and_ray() -> None:
    loaded = loaded_after("from seqjobs import load_job, plan_jobs; plan_jobs([load_job('jobs/quickstart.yaml')])")
    assert "pydantic" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "ray"})


def test_importing_the_package_loads_no_large_library() -> None:
    assert loaded_after("import seqjobs").isdisjoint({"pydantic", "yaml", "numpy", "pyarrow", "ray", "tensorflow"})


def test_checking_a_spec_with_operations_loads_no_arrays() -> None:
    loaded = loaded_after("from seqjobs import load_job; load_job('jobs/flights_search.yaml')")
    assert "seqjobs" in loaded
    assert loaded.isdisjoint({"numpy", "pyarrow", "PIL", "siphash24"})


def test_the_driver_never_loads_tensorflow() -> None:
    loaded = loaded_after(
        "import seqjobs.run, seqjobs.export, seqjobs.predict, seqjobs.evaluate, seqjobs.doctor, seqjobs.cli.main"
    )
    assert loaded.isdisjoint({"tensorflow", "keras", "ray"})
