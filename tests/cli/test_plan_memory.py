"""seqjobs plan warns of batches that do not fit into memory."""

from __future__ import annotations

import json

import pytest

from seqjobs import preview
from tests.conftest import ROOT
from tests.fixtures.command_line import invoke

SPEC = str(ROOT / "tests/bad_input/specs/accepted_the_right_spec.yaml")


def notes(*arguments: str) -> list[str]:
    found: list[str] = json.loads(invoke("plan", SPEC, "-o", "json", *arguments).stdout)["notes"]
    return found


def test_a_batch_that_does_not_fit_is_noted_with_its_largest_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "free_bytes", lambda: 2**30)
    units = ("-S", "model.1.Dense.units=2000000", "-S", "fit.batch_size=128")
    (note,) = notes(*units)
    assert note.startswith("job 'small': training with batches of 128 rows takes about ")
    assert (
        "of which layer 1 'Dense' takes 3.8 GiB, but only 1.0 GiB are free on this machine. Lower fit.batch_size"
        in note
    )
    told = invoke("plan", SPEC, *units)
    assert "note: job 'small': training with batches of 128 rows" in " ".join(told.stdout.split())


def test_a_batch_that_fits_is_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "free_bytes", lambda: 2**30)
    assert notes() == []
