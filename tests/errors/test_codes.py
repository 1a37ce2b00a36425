"""Every error code has a page, and the example of a page causes its code."""

from __future__ import annotations

import re

import pytest

from seqjobs.errors import SeqjobsError, SpecError
from seqjobs.errors.codes import CODES, GROUPS, ErrorCode, ExampleForm
from tests.conftest import ROOT
from tests.fixtures.command_line import invoke
from tests.fixtures.plans import plan_of_texts
from tests.jobspec.spec_texts import DATA, SPEC

IN_SPECS = [page for page in CODES.values() if page.form is not ExampleForm.SITUATION]


def codes_in_the_source() -> set[str]:
    files = [path for path in (ROOT / "seqjobs").rglob("*.py") if path.parent.name != "codes"]
    return set(re.findall(r'"(E[1-9]\d\d)"', "\n".join(path.read_text(encoding="utf-8") for path in files)))


def with_sections(fragment: str) -> str:
    """The correct spec with the sections of a fragment in the place of its own."""
    given = set(re.findall(r"^(\w+):", fragment, re.MULTILINE))
    sections = re.split(r"^(?=\w+:)", SPEC, flags=re.MULTILINE)
    return "".join(section for section in sections if section.split(":")[0] not in given) + fragment


def codes_of(text: str) -> set[str]:
    """The codes of all problems that are found before anything starts."""
    try:
        plan_of_texts(DATA, text)
    except SpecError as error:
        return set(error.codes)
    except SeqjobsError as error:
        return {error.code}
    return set()


def explain(*arguments: str, exit_code: int = 0) -> str:
    return invoke("explain", *arguments, code=exit_code).output


def test_every_code_of_the_source_has_a_page_and_every_page_has_its_code_in_the_source() -> None:
    assert sorted(codes_in_the_source()) == sorted(CODES)


def test_a_page_is_in_the_group_of_its_hundred() -> None:
    assert [sorted({page.code[1] for page in pages}) for pages in GROUPS.values()] == [[n] for n in "1234567"]
    assert list(CODES) == sorted(CODES)
    assert sum(map(len, GROUPS.values())) == len(CODES)


def test_the_spec_that_examples_change_is_correct() -> None:
    assert codes_of(SPEC) == set()


@pytest.mark.parametrize("page", IN_SPECS, ids=lambda page: page.code)
def test_the_example_of_a_page_causes_its_code(page: ErrorCode) -> None:
    text = page.example if page.form is ExampleForm.SPEC else with_sections(page.example)
    assert codes_of(text) == {page.code}


def test_the_examples_of_most_codes_of_specs_are_parts_of_specs() -> None:
    others = [code for code in CODES if code[1] in "1237" and CODES[code].form is ExampleForm.SITUATION]
    # A file's size or path, two specs, an argument of the command line, a library that fails, classes of rows, a store.
    assert others == ["E110", "E113", "E208", "E210", "E313", "E314", "E710"]


@pytest.mark.parametrize("page", CODES.values(), ids=lambda page: page.code)
def test_a_page_is_complete_and_fits_a_terminal(page: ErrorCode) -> None:
    assert re.fullmatch(r"[A-Z][^.]{5,79}", page.title)
    for text in (page.meaning, page.fix):
        assert re.fullmatch(r"[A-Z-`].+[.`]", text), text
    assert page.example.strip()
    lines = explain(page.code).splitlines()
    assert lines[0] == f"{page.code}: {page.title}"
    assert len(lines) <= 18


@pytest.mark.parametrize("width", [40, 80])
def test_a_page_fits_its_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for code, page in CODES.items():
        example = {f"    {line}" for line in page.example.splitlines()}
        assert [line for line in explain(code).splitlines() if len(line) > width and line not in example] == []


@pytest.mark.parametrize("written", ["E302", "e302", "302", "[E302]"])
def test_a_code_may_be_written_in_several_ways(written: str) -> None:
    assert explain(written).startswith("E302: An unknown argument\n")


def test_without_a_code_all_are_listed() -> None:
    listed = explain()
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ")] == list(CODES)


def test_an_unknown_code_is_a_mistake_of_the_command_line() -> None:
    told = explain("E304x", exit_code=2)
    assert "there is no error code 'E304x'. The nearest are " in told
    assert "E304" in told
    assert "seqjobs explain" in explain("\x1b[31m", exit_code=2)
