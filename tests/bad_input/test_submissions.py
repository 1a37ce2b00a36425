"""Several specs of one submit: what only their company makes wrong."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from seqjobs.errors import SpecError
from seqjobs.jobspec.load import load_jobs
from seqjobs.planning.expansion import expand_jobs
from tests.bad_input.expectation import SPECS, Mistake, check

TEXT = (SPECS / "accepted_the_right_spec.yaml").read_text(encoding="utf-8").replace("../../..", str(SPECS.parents[2]))
(LINE,) = (number for number, line in enumerate(TEXT.splitlines(), 1) if line.startswith("name: "))


def mistake(code: str, words: str) -> Mistake:
    return Mistake(code=code, place=f"{LINE}:7", words=words)


TAKEN = mistake("E208", "another job is also named 'small', in ")
NO_NAME = mistake("E701", "a name has lower-case letters, digits")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("small", "other", "small"), TAKEN),
        (("small", "'small'"), TAKEN),
        # Names that a folder may take for one are not told apart by seqjobs: only one way to write each is a name.
        (("small", "Small"), NO_NAME),
        (("small", "\uff53mall"), NO_NAME),
        (("small", unicodedata.normalize("NFD", "smäll")), NO_NAME),
        (("small", unicodedata.normalize("NFC", "smäll")), NO_NAME),
    ],
)
def test_jobs_of_one_name(names: tuple[str, ...], found: Mistake, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.yaml" for number in range(len(names))]
    for path, name in zip(paths, names, strict=True):
        path.write_text(TEXT.replace("name: small\n", f"name: {name}\n"), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        expand_jobs(load_jobs(paths))
    check(caught.value.lines, [found], paths[-1])
