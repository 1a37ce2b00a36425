"""Rows that are read from a file by the window train as those in memory do."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.planning.plan import Plan
from seqjobs.training.ahead import ahead
from seqjobs.training.rows import training_rows, validation_rows
from seqjobs.training.trial_runner import TrialRunner
from tests.conftest import MakePlan
from tests.training.packs.members import only_pack, train_alone, train_pack
from tests.training.trained import assert_close, same_bits, train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]


@pytest.fixture
def streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Plan], Dataset]:
    """Reads the data of a plan as if 4,000 bytes of memory were allowed for it, of which a window has an eighth."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def read(plan: Plan) -> Dataset:
        (source,) = plan.datasets
        return read_dataset(replace(source, spec=source.spec.model_copy(update={"memory": 4000})))

    return read


@pytest.mark.parametrize("validation", ["files", "split"])
@pytest.mark.parametrize("batch_size", [8, 300])
def test_compiled_epochs_give_the_numbers_of_stock_fit(
    make_points_plan: MakePlan, streamed: Callable[[Plan], Dataset], validation: str, batch_size: int
) -> None:
    split = ["data.validation=null", "fit.validation_split=0.3"] if validation == "split" else []
    compiles = "fit.compile={choice: [stock, graph, xla]}"
    plan = make_points_plan(*split, compiles, f"fit.batch_size={batch_size}", "search.sampler=grid")
    dataset, runner = streamed(plan), TrialRunner(("CPU",))
    stock, graph, xla = plan.packs
    reference = train(runner, stock, dataset)
    assert same_bits(train(runner, graph, dataset), reference)
    assert_close(train(runner, xla, dataset), reference)
    assert same_bits(train(runner, graph, dataset), reference)


def test_the_rows_are_those_in_memory_in_another_order(
    make_points_plan: MakePlan, streamed: Callable[[Plan], Dataset]
) -> None:
    plan = make_points_plan("data.validation=null", "fit.validation_split=0.3")
    spec, in_memory = plan.trials[0].spec, read_dataset(plan.datasets[0])
    dataset = streamed(plan)
    assert dataset.fingerprint == in_memory.fingerprint
    for of in (training_rows, validation_rows):
        rows, expected = of(spec, dataset), of(spec, in_memory)
        assert rows is not None
        assert expected is not None
        for found, wanted in zip(rows.stored(slice(None)), expected.stored(slice(None)), strict=True):
            np.testing.assert_array_equal(found, wanted)
    rows = training_rows(spec, dataset)
    order = rows.order(3, 0)[:]
    assert sorted(order.tolist()) == list(range(len(rows)))
    assert order.tolist() != training_rows(spec, in_memory).order(3, 0)[:].tolist()
    np.testing.assert_array_equal(rows.stored(order)[0], training_rows(spec, in_memory).stored(order)[0])


def test_the_next_is_made_while_one_is_used() -> None:
    second_is_made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second_is_made.set()
        yield 2

    with ahead(items()) as found:
        assert next(found) == 1
        assert second_is_made.wait(60)
        assert list(found) == [2]


def test_what_making_an_item_raises_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the disk is gone")

    with ahead(items()) as found:
        assert next(found) == 1
        with pytest.raises(ValueError, match="the disk is gone"):
            next(found)


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    with ahead(iter(range(10**9))) as found:
        assert next(found) == 0
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_members_of_a_pack_have_the_numbers_of_their_own_stock_fit(
    make_points_plan: MakePlan, streamed: Callable[[Plan], Dataset]
) -> None:
    rates = "compile.optimizer={Adam: {learning_rate: {log_uniform: [0.001, 0.1]}}}"
    plan = make_points_plan(rates, "search.trials=3", "fit.pack=3")
    dataset, runner = streamed(plan), TrialRunner(("CPU",))
    pack = only_pack(plan, dataset)
    _, members = train_pack(runner, pack, dataset)
    for trial, member in zip(pack.trials, members, strict=True):
        assert_close(member, train_alone(runner, trial, dataset))
