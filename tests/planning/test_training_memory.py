"""How much memory training takes, as far as shapes tell it."""

from __future__ import annotations

from dataclasses import replace

from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.resources import Resources
from seqjobs.planning.training_memory import training_memory
from seqjobs.planning.trial import Pack
from tests.conftest import MakeTable
from tests.fixtures.plans import plan_as_if

# 6 features, 3 classes: (6 + 1) * 40 + (40 + 1) * 3 weights, 40 and 3 outputs per row.
MODEL = "model=[{Dense: {units: 40, activation: relu}}, {Dense: {units: 3, activation: softmax}}]"
WEIGHTS = 7 * 40 + 41 * 3


def only_pack(table: TrialTable) -> Pack:
    (pack,) = plan_as_if(table, width=6, rows=10_000).packs
    return pack


def test_outputs_and_weights_are_counted(make_points_table: MakeTable) -> None:
    pack = only_pack(make_points_table(MODEL, "fit.batch_size=100"))
    found = training_memory(pack, (6,), 10_000)
    assert found.num_bytes == 100 * (40 + 3) * 2 * 4 + WEIGHTS * 4 * 4
    assert (found.layer, found.layer_bytes) == ("layer 0 'Dense'", 100 * 40 * 2 * 4 + 7 * 40 * 4 * 4)


def test_the_largest_layer_may_be_one_of_many_weights(make_points_table: MakeTable) -> None:
    model = "model=[{Dense: {units: 4000}}, {Dense: {units: 3000}}, {Dense: {units: 3, activation: softmax}}]"
    pack = only_pack(make_points_table(model, "fit.batch_size=10"))
    found = training_memory(pack, (6,), 10_000)
    assert (found.layer, found.layer_bytes) == ("layer 1 'Dense'", 10 * 3000 * 2 * 4 + 4001 * 3000 * 4 * 4)


def test_a_batch_is_no_larger_than_the_rows(make_points_table: MakeTable) -> None:
    small, large = (only_pack(make_points_table(MODEL, f"fit.batch_size={size}")) for size in (100, 1_000_000))
    assert training_memory(large, (6,), 100).num_bytes == training_memory(small, (6,), 10_000).num_bytes


def test_trials_that_train_together_take_their_memory_together(make_points_table: MakeTable) -> None:
    pack = only_pack(make_points_table(MODEL, "fit.batch_size=100"))
    one, three = (training_memory(replace(pack, size=size), (6,), 10_000) for size in (1, 3))
    assert three.num_bytes == 3 * one.num_bytes


def test_a_batch_is_spread_over_the_workers_of_a_trial(make_points_table: MakeTable) -> None:
    pack = only_pack(make_points_table(MODEL, "fit.batch_size=100"))
    spread = replace(pack, resources=Resources(workers=4))
    assert training_memory(spread, (6,), 10_000).layer_bytes == 25 * 40 * 2 * 4 + 7 * 40 * 4 * 4


def test_the_estimate_names_the_batch_and_the_largest_layer(make_points_table: MakeTable) -> None:
    pack = only_pack(make_points_table(MODEL.replace("40", "40000"), "fit.batch_size=65536"))
    assert str(training_memory(pack, (6,), 10**6)) == (
        "training with batches of 65,536 rows takes about 19.5 GiB of memory, of which layer 0 'Dense' takes 19.5 GiB"
    )
