"""Every spec of the corpus gives the mistakes that it says it holds, all of them and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqjobs.errors import SpecError
from seqjobs.errors.printable import printable
from tests.bad_input.expectation import SPECS, check, expected_of
from tests.bad_input.made_specs import MADE_SPECS, MadeSpec
from tests.errors.lines import code_of
from tests.fixtures.plans import plan_of

FILES = sorted(SPECS.iterdir())
RIGHT = str(SPECS / "accepted_the_right_spec.yaml")
VALIDATE = "from seqjobs.cli.main import main; main()"


def lines_of(path: Path) -> tuple[str, ...]:
    """What is found wrong with a spec before anything starts: in its text, in its trials, and beside its data."""
    try:
        plan_of(path)
    except SpecError as error:
        return error.lines
    return ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_spec_gives_the_mistakes_that_it_says(path: Path) -> None:
    check(lines_of(path), expected_of(path), path)


@pytest.mark.parametrize("spec", MADE_SPECS, ids=lambda spec: spec.name)
def test_a_made_spec_gives_its_mistake(spec: MadeSpec, tmp_path: Path) -> None:
    path = spec.make(tmp_path)
    shown_path = Path(printable(path))
    check(lines_of(path), [spec.expected], shown_path)


@pytest.mark.parametrize(
    ("stdin", "code", "told"),
    [
        ("/dev/zero", "E110", "-:1:1 the spec is larger than 1,000,000 bytes. Fix: "),
        ("/dev/null", "E101", "-:1:1 the spec is empty. Fix: "),
        (SPECS / "e103_tab_indent.yaml", "E103", "-:"),
    ],
    ids=["endless", "empty", "wrong"],
)
def test_what_comes_through_standard_input_is_refused_as_a_file_is(
    stdin: str | Path, code: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(stdin).open(encoding="utf-8") as opened:
        monkeypatch.setattr(sys, "stdin", opened)
        (line,) = lines_of(Path("-"))
    assert line.startswith(told)
    assert code_of(line) == code


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_spec_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.touch(mode=0)
    (line,) = lines_of(path)
    assert line.startswith(f"{path}:1:1 the spec cannot be read: permission denied. Fix: ")
    assert line.endswith("[E113]")


def test_a_file_is_named_after_what_it_gives() -> None:
    for path in FILES:
        codes = {mistake.code.lower() for mistake in expected_of(path)} or {"accepted"}
        assert path.suffix == ".yaml"
        assert path.stem.split("_")[0] in codes, path.name
    for spec in MADE_SPECS:
        assert spec.name.startswith(spec.expected.code.lower() + "_")


def test_a_file_that_does_not_say_what_it_gives_is_no_part_of_the_corpus(tmp_path: Path) -> None:
    path = tmp_path / "e206_silent.yaml"
    path.write_text("# A note.\nname: small\n")
    with pytest.raises(ValueError, match=r"e206_silent\.yaml begins neither with"):
        expected_of(path)


def test_no_secret_of_a_spec_is_shown() -> None:
    path = SPECS / "e709_secrets.yaml"
    assert path.read_text(encoding="utf-8").count("hunter2") == 6
    assert "hunter2" not in "\n".join(lines_of(path))


def validate(*arguments: str, folder: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", VALIDATE, "validate", *arguments]
    return subprocess.run(command, cwd=folder, input=stdin, capture_output=True, check=False)


@pytest.mark.parametrize(
    "name",
    ["e103_tab_indent", "e107_python_object", "e201_forty_mistakes", "e206_epochs", "e501_a_grid_of_a_billion",
     "e701_name_escape", "e704_configurations"],
)  # fmt: skip
def test_the_command_line_says_the_same_and_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    path = SPECS / f"{name}.yaml"
    done = validate(str(path), folder=tmp_path)
    told = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert "Traceback" not in told
    assert all(line in told for line in lines_of(path))
    assert list(tmp_path.iterdir()) == []
    assert sorted(SPECS.iterdir()) == FILES


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("-",), "E110", "-:1:1 the spec is larger than 1,000,000 bytes"),
        (("-", RIGHT, "-"), "E113", "-:1:1 standard input is named twice"),
        (("/dev/stdin",), "E113", "/dev/stdin:1:1 this is not a regular file"),
        (("/dev/zero",), "E113", "/dev/zero:1:1 this is not a regular file"),
        ((), "", "Missing argument"),
        (("--unknown",), "", "No such option"),
        ((RIGHT, "-S", "jobs[0].lr=abc"), "E201", "-S jobs[0].lr=abc:1:1"),
        ((RIGHT, "-S", "model.0.Flatten.units"), "E210", "-S model.0.Flatten.units:1:1"),
        ((RIGHT,) * 2, "E208", ""),
    ],
)  # fmt: skip
def test_arguments_that_are_no_spec(arguments: tuple[str, ...], code: str, told: str, tmp_path: Path) -> None:
    done = validate(*arguments, folder=tmp_path, stdin=b"name: small\n" * 100_000)
    assert (done.returncode, done.stdout) == (2, b"")
    assert told in done.stderr.decode()
    assert (f"[{code}]" if code else "") in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
