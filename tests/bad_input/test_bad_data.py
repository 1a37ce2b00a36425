"""Every data file of the corpus is refused with the error that it is named after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError, SeqjobsError, SpecError
from seqjobs.planning.plan import make_plan
from tests.bad_input.bad_data import BAD_DATA, CORRUPT_FILES, FLOATS, SPEC, WHY_REFUSED, BadData, good
from tests.fixtures.files import write_spec
from tests.fixtures.plans import plan_of


def read(path: Path) -> int:
    """Do all that is done with a job's data before training, and return the number of training rows."""
    plan = plan_of(path)
    datasets = {source.id: read_dataset(source) for source in plan.datasets}
    make_plan(plan.table, {name: dataset.schema for name, dataset in datasets.items()}, datasets)
    return sum(dataset.schema.train_rows for dataset in datasets.values())


def told(error: SeqjobsError, folder: Path) -> Sequence[str]:
    """Return the code, the place, what is wrong and the fix, with paths relative to the folder."""
    if isinstance(error, DataError):
        return error.code, error.where.replace(f"{folder}/", ""), error.what, error.fix
    (line,) = str(error).splitlines()
    place, what = line.replace(f"{folder}/", "").removeprefix(f"{error.code} ").split(": ", 1)
    return error.code, place, *what.rsplit(" Fix: ", 1)


@pytest.mark.parametrize("data", BAD_DATA, ids=lambda data: data.name)
def test_a_data_file_gives_the_error_that_it_is_named_after(
    data: BadData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the pickle of a file would make a folder
    data.make(tmp_path)
    path = tmp_path / "job.yaml"
    path.write_text(data.spec, encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((DataError, SpecError)) as caught:
        read(path)
    code, where, what, fix = told(caught.value, tmp_path)
    assert (code, where) == (data.code, data.where), caught.value
    assert data.words in what
    assert fix
    assert str(caught.value).isprintable()
    assert sorted(tmp_path.rglob("*")) == before


def test_every_committed_file_is_in_the_table() -> None:
    assert sorted(path.name for path in CORRUPT_FILES.iterdir()) == sorted(WHY_REFUSED)


def test_the_file_that_the_others_change_is_right(tmp_path: Path) -> None:
    good(tmp_path)
    write_spec(tmp_path, SPEC)
    assert read(tmp_path / "job.yaml") == len(FLOATS)
