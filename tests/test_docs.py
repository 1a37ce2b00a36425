"""What the README and the ready-made jobs say is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import seqjobs
from seqjobs.cli.exits import ExitCode
from seqjobs.cli.main import COMMANDS
from seqjobs.data.plan_check import inspect_plan
from seqjobs.data.streamed.window import DEFAULT_MEMORY
from seqjobs.operations import OPERATIONS
from seqjobs.planning.assignments import DEFAULT_TRIALS
from seqjobs.planning.plan import make_plan
from seqjobs.spec.data_section import DataSpec
from seqjobs.spec.load import load_job, parse_job
from seqjobs.spec.section import Section
from seqjobs.spec.sections import (
    CompileSpec,
    FitSpec,
    HeaderSpec,
    KeepSpec,
    LimitsSpec,
    ResourcesSpec,
    SearchSpec,
)
from tests.conftest import JOBS, ROOT

README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "seqjobs" / "README.md").read_text()
SPECS = sorted(JOBS.glob("*.yaml"))
SECTIONS: dict[str, type[Section]] = {
    "data": DataSpec,
    "compile": CompileSpec,
    "fit": FitSpec,
    "search": SearchSpec,
    "resources": ResourcesSpec,
    "limits": LimitsSpec,
    "keep": KeepSpec,
}
# What a field that is left out becomes elsewhere, and defaults as they are written in a spec.
WRITTEN = {"data.memory": f"{DEFAULT_MEMORY >> 30}GiB", "search.trials": str(DEFAULT_TRIALS), "limits.checkpoint": "1m"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_two_lines_set_everything_up() -> None:
    run, tests = blocks("sh")
    assert run.count("\n") == tests.count("\n") == 1
    assert run.rstrip().endswith("seqjobs submit jobs/quickstart.yaml")
    assert tests.rstrip().endswith("python -m tests")
    # CI installs and tests in the same words, but for where the environment lies.
    ci = (ROOT / ".ci" / "run").read_text()
    assert "--editable '.[dev]'" in ci
    assert "--constraint constraints.txt" in ci
    assert ci.rstrip().endswith("-m tests")


def test_the_readme_names_only_commands_that_exist_and_all_of_them() -> None:
    named = set(re.findall(r"`(?:\.venv/bin/)?seqjobs ([a-z]+)", README))
    assert named <= set(COMMANDS)
    table = README.split("## Commands")[1].split("## Results")[0]
    assert all(re.search(rf"\b{command}\b", table) for command in COMMANDS)


def test_the_readme_has_every_exit_code_and_no_other() -> None:
    table = README.split("| exit code |")[1].split("\n\n")[0]
    cells = re.findall(r"^\| ([\d, ]+) \|", table, flags=re.MULTILINE)
    assert sorted(int(code) for cell in cells for code in cell.split(",")) == sorted(ExitCode)


def test_the_spec_in_the_readme_is_a_spec() -> None:
    text, columns = blocks("yaml")
    plan = make_plan([parse_job(text, JOBS / "readme.yaml")])
    assert len(plan.trials) == 12
    assert len(inspect_plan(plan).parameters) == 12
    prepared = re.sub(r"  features: .*\n", lambda _: columns, text)
    features = make_plan([parse_job(prepared, JOBS / "readme.yaml")]).trials[0].spec.data.features or {}
    assert [len(column.operations) for column in features.values()] == [2, 3, 1, 1, 1]


def default_of(field: str) -> str:
    section, _, name = field.rpartition(".")
    found = (SECTIONS[section] if section else HeaderSpec).model_fields[name].get_default(call_default_factory=True)
    return WRITTEN.get(field, "none" if found in (None, (), {}) else str(found))


def test_the_fields_in_the_readme_are_those_of_a_spec_with_their_defaults() -> None:
    assert LimitsSpec.model_fields["checkpoint"].default == 60.0
    rows = README.split("| field | default | meaning |\n|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    told = {cells[1].strip(" `"): cells[2].strip(" `") for cells in (row.split("|") for row in rows)}
    assert told == {field: default_of(field) for field in told}
    example = yaml.safe_load(blocks("yaml")[0])
    of_keras = {"fit.validation_split", "fit.shuffle"}
    named = {*told, *of_keras, *(f"{name}.{key}" for name in SECTIONS for key in example.get(name, ()))}
    assert named >= {f"{name}.{field}" for name, section in SECTIONS.items() for field in section.model_fields}


def test_the_operations_in_the_readme_are_those_of_the_table() -> None:
    rows = README.split("| operation | of | |")[1].split("\n\n")[0]
    named = {name for name in re.findall(r"[a-z_0-9]+", rows) if name in OPERATIONS.entries}
    assert named == set(OPERATIONS.entries)


def test_the_python_in_the_readme_uses_what_there_is() -> None:
    (code,) = blocks("python")
    imported = {
        alias.name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module == "seqjobs"
        for alias in node.names
    }
    assert imported <= set(seqjobs.__all__)
    assert all(hasattr(seqjobs, name) for name in seqjobs.__all__)
    for name in ("best", "histories", "paths", "open", "leaderboard"):
        assert hasattr(seqjobs.Run, name) or name == "paths"


@pytest.mark.parametrize(("file", "text"), [("README.md", README), ("seqjobs/README.md", ARCHITECTURE)])
def test_links_and_named_files_exist(file: str, text: str) -> None:
    folder = (ROOT / file).parent
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    tests = re.findall(r"`(tests/[\w/.]+\.py)`", text)
    for path in [*(folder / link for link in links), *(ROOT / test for test in tests)]:
        assert path.exists(), f"{file} names {path}"


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_job_opens_with_what_it_does_and_can_run(path: Path) -> None:
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any(f"seqjobs submit jobs/{path.name}" in line for line in comments)
    assert any(line.startswith("# Time: ") for line in comments)
    assert any(re.match(r"# Result: .*\d", line) for line in comments), "the result seen is missing"
    plan = make_plan([load_job(path)])
    assert inspect_plan(plan).parameters.keys() == {trial.id for trial in plan.trials}


def test_five_mistakes_are_shown_with_line_and_column_without_tensorflow_or_ray(tmp_path: Path) -> None:
    spec = tmp_path / "wrong.yaml"
    spec.write_text(
        "name: wrong\n"
        "epoch: 3\n"
        "data: {train: missing.parquet, target: label}\n"
        "model:\n"
        "  - Desne: {units: 8}\n"
        "  - Dense: {unit: 1}\n"
        "compile: {optimizer: adam, loss: mean_square}\n"
        "fit: {epochs: 0}\n"
    )
    code = (
        "import sys\nfrom seqjobs.cli.main import main\n"
        f"sys.argv = ['seqjobs', 'validate', {str(spec)!r}]\n"
        "try:\n    main()\n"
        "finally:\n    assert not {'tensorflow', 'keras', 'ray'} & {name.split('.')[0] for name in sys.modules}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    places = [line.split(" ")[:2] for line in lines if line.startswith("E")]
    assert places == [
        ["E201", f"{spec}:2:1"],
        ["E401", f"{spec}:3:15"],
        ["E301", f"{spec}:5:5"],
        ["E302", f"{spec}:6:13"],
        ["E305", f"{spec}:7:34"],
        ["E206", f"{spec}:8:15"],
    ]
    assert "did you mean 'Dense'?" in done.stderr
    assert "did you mean 'units'?" in done.stderr
    assert "Traceback" not in done.stderr
