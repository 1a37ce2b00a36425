"""What every error message ends with, and that an error is the same on the other side of a process border."""

from __future__ import annotations

import pickle

import pytest

from seqjobs.errors import DataError, NotFoundError, SeqjobsError, SpecError
from seqjobs.errors.problems import Problem

TYPO = Problem(code="E302", path=("model", 2), what="no 'unit'", fix="did you mean 'units'?", place="my job.yaml:3:7")
ZERO = Problem(code="E206", path=("fit",), what="at least 1", got="0", fix="write 1", place="-S fit.epochs=0:1:12")


def test_a_message_begins_with_its_place_and_ends_with_its_code() -> None:
    assert str(DataError("E403", "it is text", where="a.csv", fix="use numbers.")) == (
        "a.csv: it is text. Fix: use numbers. [E403]"
    )
    assert str(NotFoundError("E611", "there is no run")) == "there is no run. [E611]"


def test_a_fix_that_is_a_question_is_a_sentence_of_its_own() -> None:
    assert TYPO.line() == "my job.yaml:3:7 model.2: no 'unit'. Did you mean 'units'? [E302]"
    assert str(NotFoundError("E611", "no run 'a'", fix="did you mean 'b'?")) == "no run 'a'. Did you mean 'b'? [E611]"


def test_the_fix_of_a_message_of_several_lines_is_a_line_of_its_own() -> None:
    error = DataError("E603", "the specs differ:\n-seed: 1\n+seed: 2", where="runs/one", fix="restore the spec")
    assert str(error).splitlines()[1:] == ["-seed: 1", "+seed: 2", "Fix: restore the spec. [E603]"]


def test_an_error_of_specs_has_its_problems_and_their_codes() -> None:
    error = SpecError([TYPO, ZERO, TYPO])
    assert error.problems == (TYPO, ZERO)
    assert error.codes == ("E302", "E206")
    assert error.code == "E302"
    assert [problem.file for problem in error.problems] == ["my job.yaml", "-S fit.epochs=0"]
    assert str(error).splitlines() == [
        TYPO.line(),
        "-S fit.epochs=0:1:12 fit: at least 1 (got 0). Fix: write 1. [E206]",
    ]


def test_twenty_problems_of_each_file_are_shown() -> None:
    error = SpecError(
        Problem(code="E201", path=(str(line),), what="unknown", place=f"{name}.yaml:{line}:1")
        for name in ("a", "b")
        for line in range(1, 26)
    )
    assert len(error.problems) == 50
    assert sum(line.startswith("a.yaml") for line in error.lines) == 20
    assert sum(line.startswith("b.yaml") for line in error.lines) == 20
    assert error.lines[-1] == "... and 10 more"


@pytest.mark.parametrize("error", [SpecError([TYPO, ZERO]), DataError("E403", "it is text", where="a.csv", fix="x.")])
def test_an_error_crosses_processes(error: SeqjobsError) -> None:
    loaded = pickle.loads(pickle.dumps(error))
    assert type(loaded) is type(error)
    assert (str(loaded), loaded.code, loaded.fix) == (str(error), error.code, error.fix)
    assert loaded.__reduce__() == error.__reduce__()
