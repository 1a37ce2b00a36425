"""The table of commands, and errors as messages and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from seqjobs.cli import main
from seqjobs.cli.main import COMMANDS, cli
from seqjobs.errors import ClusterError, NotFoundError, SpecError, StorageError, UnforeseenError
from seqjobs.errors.problems import Problem
from tests.fixtures.command_line import SEQJOBS, invoke, run


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[BaseException]:
    """A `schema` command that raises what the test puts into the list."""
    errors: list[BaseException] = []

    @click.command("schema")
    def command() -> None:
        raise errors[0]

    module = type(sys)("seqjobs.cli.commands.schema")
    module.__dict__["command"] = command
    monkeypatch.setattr(main, "import_module", lambda _: module)
    monkeypatch.delenv("SEQJOBS_TRACEBACK", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where tracebacks are kept
    return errors


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    command: click.Command = import_module(f"seqjobs.cli.commands.{name}").command
    assert command.name == name
    assert (command.help or "").splitlines()[0] == COMMANDS[name]


def test_every_command_file_is_in_the_table() -> None:
    folder = Path(main.__file__).parent / "commands"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    assert COMMANDS[name] in invoke(name, "-h").stdout


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (NotFoundError("E611", "no run 'x'", fix="see `seqjobs ls`."), 5, "no run 'x'. Fix: see `seqjobs ls`. [E611]"),
        (ClusterError("E801", "Ray is gone"), 4, "Ray is gone. [E801]"),
        (StorageError("E606", "the disk is full"), 4, "the disk is full. [E606]"),
        (PermissionError(13, "Permission denied", "/x"), 4, "the operating system reports: PermissionError"),
        (ZeroDivisionError("division by zero"), 70, "this is a bug in seqjobs: ZeroDivisionError: division by zero."),
        (KeyboardInterrupt(), 130, "interrupted."),
    ],
)
def test_an_error_is_a_message_and_a_code(
    raising: list[BaseException], error: BaseException, code: int, text: str
) -> None:
    raising.append(error)
    result = invoke("schema", code=code)
    assert result.stderr.startswith(text)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_bug_shows_its_traceback_when_asked(raising: list[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    raising.append(ZeroDivisionError("division by zero"))
    monkeypatch.setenv("SEQJOBS_TRACEBACK", "1")
    result = invoke("schema", code=70)
    assert "Traceback (most recent call last)" in result.stderr
    assert "raise errors[0]" in result.stderr


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("division by zero"), UnforeseenError("this is a bug", where="x.csv", trace="raise it")]
)
def test_the_traceback_of_a_bug_is_in_a_file_of_this_user(
    raising: list[BaseException], error: BaseException, tmp_path: Path
) -> None:
    raising.append(error)
    result = CliRunner().invoke(cli, ["schema"])
    assert result.exit_code == 70
    assert "run the same command again" not in result.stderr
    (path,) = tmp_path.iterdir()
    assert f"The traceback is in {path}." in result.stderr
    assert "raise " in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def problem(code: str, place: str) -> Problem:
    return Problem(code=code, path=("fit",), what="it is wrong", place=place)


@pytest.mark.parametrize(
    ("problems", "last"),
    [
        (
            [problem("E201", "jobs/x.yaml:3:1"), problem("E202", "jobs/x.yaml:9:3")],
            "2 problems in jobs/x.yaml; nothing was started. `seqjobs explain CODE` has details.",
        ),
        (
            [problem("E201", "my job.yaml:3:1")],
            "1 problem in my job.yaml; nothing was started. `seqjobs explain E201` has details.",
        ),
        (
            [problem("E201", "x.yaml:3:1"), problem("E201", "y.yaml:9:3")],
            "2 problems in 2 files; nothing was started. `seqjobs explain E201` has details.",
        ),
        (
            [problem("E201", f"x.yaml:{line}:1") for line in range(1, 29)],
            "28 problems in x.yaml; nothing was started. `seqjobs explain E201` has details.",
        ),
    ],
)
def test_mistakes_are_counted_below_them(raising: list[BaseException], problems: list[Problem], last: str) -> None:
    raising.append(SpecError(problems))
    result = invoke("schema", code=2)
    assert result.stderr.splitlines() == [*SpecError(problems).lines, last]


def test_an_error_cannot_act_on_the_terminal(raising: list[BaseException]) -> None:
    raising.append(NotFoundError("E611", "no run '\x1b[2J\x07evil\u202e'"))
    result = CliRunner().invoke(cli, ["schema"], color=True)
    assert result.stderr == "no run '\\x07evil\\u202e'. [E611]\n"


def test_a_mistyped_command_is_guessed() -> None:
    assert "Did you mean 'submit'?" in invoke("submti", code=2).stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    # The pipe has no reader from the start, so the first write fails.
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [*SEQJOBS, "completion", "fish"],
            stdout=pipe, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_of_the_shell(shell: str) -> None:
    assert "_SEQJOBS_COMPLETE" in invoke("completion", shell).stdout


def test_the_tab_key_completes_commands() -> None:
    variables = {"_SEQJOBS_COMPLETE": "bash_complete", "COMP_WORDS": "seqjobs va", "COMP_CWORD": "1"}
    done = run(variables=variables)
    assert done.returncode == 0
    assert done.stdout.split() == ["plain,validate"]
