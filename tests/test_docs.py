"""What the documentation says is true: commands, fields, exit codes, code blocks, links and figures."""

from __future__ import annotations

import ast
import html
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

import seqjobs
from seqjobs.cli.exits import ExitCode
from seqjobs.cli.main import COMMANDS, cli
from seqjobs.errors.codes import CODES
from seqjobs.jobspec.dimensions import KINDS
from seqjobs.jobspec.sections import LimitsSpec
from seqjobs.tables import TABLES
from tests import pictures, reference
from tests.conftest import JOBS, ROOT
from tests.errors.lines import code_of
from tests.fixtures.files import write_spec
from tests.fixtures.plans import plan_of, plan_of_texts, table_of_texts

DOCUMENTS = ("README.md", "CHANGELOG.md", "jobs/README.md", "jobs/data/README.md", "cluster/README.md")
TEXTS = {name: (ROOT / name).read_text() for name in (*DOCUMENTS, "seqjobs/README.md", "tests/benchmarks/RESULTS.md")}
README, REFERENCE = TEXTS["README.md"], TEXTS["jobs/README.md"]
SPECS = sorted(JOBS.glob("*.yaml"))


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def commands_in(text: str) -> list[list[str]]:
    """Return the words of each `seqjobs ...` command in shell blocks, indented blocks and back quotes."""
    lines = [*"".join(blocks(text, "sh")).splitlines(), *re.findall(r"^    (seqjobs [a-z].*)$", text, re.MULTILINE)]
    written = [part for line in lines for part in re.findall(r"(?:^|/|&& )(seqjobs [^&]+)", line)]
    # A back-quoted `seqjobs predict ...` may be split over two lines.
    written += [" ".join(found.split()) for found in re.findall(r"`(?:\.venv/bin/)?(seqjobs [a-z][^`]*)`", text)]
    return [shlex.split(command.replace("\\|", "|").partition(" | ")[0], comments=True)[1:] for command in written]


def test_the_readme_stays_short() -> None:
    assert len(README.split()) <= 900
    assert len(README.splitlines()) <= 110


def test_two_commands_of_the_readme_set_everything_up() -> None:
    setups = [block.strip() for block in blocks(README, "sh") if "-m venv" in block]
    assert [setup.split("&& ")[-1] for setup in setups] == [
        ".venv/bin/seqjobs submit jobs/quickstart.yaml",
        ".venv/bin/python -m tests",
    ]
    assert all("\n" not in setup for setup in setups)
    # CI installs and tests in the same words, except for the place of the environment.
    ci = (ROOT / ".ci" / "run").read_text()
    assert "--editable '.[dev]'" in ci
    assert "--constraint constraints.txt" in ci
    assert "-m tests\n" in ci
    for command in re.findall(r"`python (-m tests(?: full)?)`", README):
        assert f"{command}\n" in ci


@pytest.mark.parametrize("name", TEXTS)
def test_commands_and_options_exist(name: str) -> None:
    for words in commands_in(TEXTS[name]):
        command = cli.get_command(click.Context(cli), words[0])
        assert command is not None, words
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        used = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[A-Za-z]", word)}
        assert used <= options, f"{name}: {words}"


def test_the_reference_is_made_from_the_code() -> None:
    assert reference.updated(REFERENCE) == REFERENCE, "run python -m tests.reference"
    made = set(re.findall(r"<!-- made by python -m tests\.reference: (\w+) -->", REFERENCE))
    assert made == set(reference.MADE)
    for command in COMMANDS:
        assert f"`seqjobs {command}" in REFERENCE


def test_the_reference_has_every_name_and_field() -> None:
    for table in TABLES.values():
        for name, entry in table.entries.items():
            assert f"| `{name}`" in REFERENCE, f"{table.name} {name}"
            assert entry.doc.replace("|", "\\|") in REFERENCE
    for name, section in reference.SECTIONS.items():
        part = REFERENCE.split(f"### `{name}`\n")[1].split("\n### ")[0]
        assert all(f"| `{field}` |" in part for field in section.model_fields)
    dimensions = REFERENCE.split("## Dimensions")[1].split("\n## ")[0]
    assert all(f"`{{{kind}: " in dimensions for kind in KINDS)
    assert LimitsSpec.model_fields["checkpoint"].default == 60.0  # written `1m`


def test_the_reference_has_every_exit_code_and_no_other() -> None:
    table = REFERENCE.split("| exit code |")[1].split("\n\n")[0]
    cells = re.findall(r"^\| ([\d, ]+) \|", table, flags=re.MULTILINE)
    assert sorted(int(code) for cell in cells for code in cell.split(",")) == sorted(ExitCode)


def test_error_codes_in_the_documents_exist() -> None:
    named = {code for text in TEXTS.values() for code in re.findall(r"\bE\d{3}\b", text)}
    assert named
    assert named <= set(CODES)


def test_the_specs_in_the_reference_can_run() -> None:
    text, columns = blocks(REFERENCE, "yaml")
    plan = plan_of_texts(JOBS, text)
    assert len(plan.trials) == 12
    prepared = re.sub(r"  features: .*\n", lambda _: columns, text)
    features = table_of_texts(JOBS, prepared).trials[0].spec.data.features or {}
    assert list(features) == list(yaml.safe_load(columns)["features"])
    assert all(column.operations for column in features.values())


def test_the_dimensions_in_the_readme_can_run() -> None:
    (part,) = blocks(README, "yaml")
    rest = yaml.safe_load((JOBS / "flights_tabular.yaml").read_text())
    rest["objective"]["metric"] = "val_loss"
    text = yaml.safe_dump({**rest, **yaml.safe_load(part)}, sort_keys=False)
    assert len(plan_of_texts(JOBS, text).trials) == 12


def test_the_figures_in_the_readme_are_measured() -> None:
    rows = README.split("## How fast")[1].split("\n\n")[2].splitlines()[2:]
    figures = re.findall(r"[\d.]+ m?s\b", " ".join(rows))
    assert len(figures) >= 10
    assert [figure for figure in figures if f"| {figure} |" not in TEXTS["tests/benchmarks/RESULTS.md"]] == []


def test_the_python_in_the_reference_uses_what_exists() -> None:
    (code,) = blocks(REFERENCE, "python")
    imported = {
        alias.name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module == "seqjobs"
        for alias in node.names
    }
    assert imported <= set(seqjobs.__all__)
    assert all(hasattr(seqjobs, name) for name in seqjobs.__all__)
    for name in set(re.findall(r"\b(?:run|Run)\.(\w+)", code)):
        assert hasattr(seqjobs.Run, name) or name in ("paths",)


def test_the_picture_in_the_readme_is_of_a_submit() -> None:
    (picture,) = re.findall(r"!\[[^]]*\]\((\.github/[^)]+)\)", README)
    shown = html.unescape(re.sub(r"<[^>]*>", "", (ROOT / picture).read_text())).replace("\xa0", " ")
    assert f"$ {' '.join(pictures.COMMAND)}" in shown
    assert "12 finished, 0 failed" in shown
    assert "val_accuracy" in shown


def test_a_picture_shows_what_a_terminal_shows() -> None:
    screen = pictures.Screen()
    screen.write("one\r\n10%\r20%\r\n\x1b[2A\x1b[2K\x1b[1mtwo\x1b[0m\r\n\x1b[Kdone\r\n")
    text = screen.text()
    assert text.plain == "two\ndone"
    assert [(span.start, span.end, str(span.style)) for span in text.spans if "bold" in str(span.style)]
    svg = pictures.picture_of(text, "title")
    assert ">done</text>" in svg
    assert "@font-face" not in svg


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_named_files_exist(name: str) -> None:
    text, folder = TEXTS[name], (ROOT / name).parent
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (folder / path).resolve() if path else ROOT / name
        assert target.exists(), f"{name} links to {link}"
        if anchor:
            assert anchor in anchors(target.read_text()), f"{name} links to {link}"
    for path in re.findall(r"`(tests/[\w/.]+)`", text):
        assert (ROOT / path).exists(), f"{name} names {path}"
    for module in re.findall(r"`python -m (tests[\w.]*)", text):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{name} names {module}"


def test_the_architecture_names_files_that_exist() -> None:
    text = TEXTS["seqjobs/README.md"]
    package = ROOT / "seqjobs"
    story = text.split("## What commands make")[0]
    for name in re.findall(r"`([a-z_/]+/(?:\w+\.py)?)`", story):
        in_a_run = name in ("log/", "weights/", "logs/", "damaged/")
        assert in_a_run or (package / name).exists() or (ROOT / name).exists(), name
    names = {path.name for path in package.rglob("*.py")}
    assert set(re.findall(r"`(\w+\.py)`", story)) <= names
    # In the table of promises, a name without a folder stands in the folder before it.
    for cell in re.findall(r"\| (`tests/.*`) \|", text):
        folder = ROOT
        for name in re.findall(r"`([\w/.]+)`", cell):
            path = ROOT / name if name.startswith("tests/") else folder / name
            assert path.exists(), name
            folder = path.parent


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_job_opens_with_what_it_does_and_can_run(path: Path) -> None:
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any(f"seqjobs submit jobs/{path.name}" in line for line in comments)
    assert any(line.startswith("# Time: ") for line in comments)
    assert any(re.match(r"# Result: .*\d", line) for line in comments), "the result seen is missing"
    assert plan_of(path).trials


def test_five_mistakes_are_shown_with_line_and_column_without_tensorflow_or_ray(tmp_path: Path) -> None:
    spec = write_spec(
        tmp_path,
        "name: wrong\n"
        "epoch: 3\n"
        "data: {train: missing.parquet, target: label}\n"
        "model:\n"
        "  - Desne: {units: 8}\n"
        "  - Dense: {unit: 1}\n"
        "compile: {optimizer: adam, loss: mean_square}\n"
        "fit: {epochs: 0}\n",
        "wrong.yaml",
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
    places = [(code_of(line), line.split(" ")[0]) for line in lines if line.startswith(str(spec))]
    assert places == [
        ("E201", f"{spec}:2:1"),
        ("E401", f"{spec}:3:15"),
        ("E301", f"{spec}:5:5"),
        ("E302", f"{spec}:6:13"),
        ("E305", f"{spec}:7:34"),
        ("E206", f"{spec}:8:15"),
    ]
    assert "Did you mean 'Dense'?" in done.stderr
    assert "Did you mean 'units'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.ray
@pytest.mark.slow
def test_the_four_commands_of_the_readme_make_a_model(tmp_path: Path) -> None:
    (block,) = [block for block in blocks(README, "sh") if "seqjobs init" in block]
    commands = [line for line in block.splitlines() if line.startswith("seqjobs ")]
    assert [line.split()[1] for line in commands] == ["init", "submit", "evaluate", "export"]
    (tmp_path / "jobs").symlink_to(JOBS)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "XDG_STATE_HOME": str(tmp_path / "state")}
    for command in commands:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert (tmp_path / "flights.keras").stat().st_size > 0
