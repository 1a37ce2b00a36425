"""Which trials train together, how many, and why not more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from seqjobs.jobspec.trial_numbers import trial_numbers
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.pack_rule import (
    FEWEST_PLACES,
    MIN_PACKS,
    MIN_STEPS,
    MOST_NUMBERS,
    MOST_NUMBERS_OF_ONE,
    MOST_PLACES,
)
from seqjobs.planning.packing import halves
from seqjobs.planning.trial import Pack
from tests.conftest import MakeTable
from tests.fixtures.plans import plan_as_if

RATES = "compile.optimizer={Adam: {learning_rate: {log_uniform: [1e-4, 1e-1]}}}"


def packs_of(table: TrialTable, *, rows: int = 10**6, width: int = 6) -> tuple[Pack, ...]:
    return plan_as_if(table, width=width, rows=rows).packs


def sizes(packs: Sequence[Pack]) -> list[tuple[int, int]]:
    """Places and members of each."""
    return [(pack.size, len(pack.trials)) for pack in packs]


def test_trials_of_a_search_train_in_packs_that_workers_can_share(make_points_table: MakeTable) -> None:
    plan = make_points_table(RATES, "search.trials=480")
    packs = packs_of(plan)
    assert sizes(packs) == [(30, 30)] * MIN_PACKS
    assert len({pack.program_key for pack in packs}) == 1
    assert len({pack.id for pack in packs}) == MIN_PACKS
    assert [trial.key for pack in packs for trial in pack.trials] == [trial.key for trial in plan.trials]


def test_all_packs_of_a_program_have_one_size(make_points_table: MakeTable) -> None:
    assert sizes(packs_of(make_points_table(RATES, "search.trials=10", "fit.pack=4"))) == [(4, 4), (4, 4), (4, 2)]
    most = sizes(packs_of(make_points_table(RATES, f"search.trials={20 * MOST_PLACES}")))
    assert {size for size, _ in most} == {MOST_PLACES}


def test_no_more_than_the_caches_hold(make_points_table: MakeTable) -> None:
    plan = make_points_table(RATES, "model.0.Dense.units=200", "search.trials=4000", "fit.batch_size=100")
    # 6 x 200 + 200 and 200 + 1 in weights, 201 for each of 100 rows.
    (size,) = {size for size, _ in sizes(packs_of(plan))}
    assert size == MOST_NUMBERS // (1400 + 201 + 100 * 201)
    plan = make_points_table(RATES, f"model.0.Dense.units={MOST_NUMBERS_OF_ONE // 7}", "search.trials=4000")
    assert reasons(packs_of(plan)) == {"models so large gain nothing from packs"}


DEEP = "{Reshape: {target_shape: [1, 3, 2]}}"


def recurrent(layers: str) -> str:
    return f"model=[{{Reshape: {{target_shape: [3, 2]}}}}, {layers}, {{Dense: {{units: 1}}}}]"


def reasons(packs: Sequence[Pack]) -> set[str]:
    assert {pack.size for pack in packs} == {1}
    return {pack.reason for pack in packs}


def test_few_trials_and_few_steps_train_one_at_a_time(make_points_table: MakeTable) -> None:
    few = make_points_table(RATES, f"search.trials={FEWEST_PLACES * MIN_PACKS - 1}")
    assert reasons(packs_of(few)) == {"too few trials that could train together"}
    many = make_points_table(RATES, f"search.trials={FEWEST_PLACES * MIN_PACKS}", "fit.epochs=1", "fit.batch_size=1")
    rows = MIN_STEPS // (FEWEST_PLACES * MIN_PACKS)
    assert {pack.size for pack in packs_of(many, rows=rows)} == {FEWEST_PLACES}
    assert reasons(packs_of(many, rows=rows - 1)) == {"too few steps to repay a pack's compilation"}


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("fit.pack=off", "fit.pack is off"),
        ("fit.compile=graph", "fit.compile is graph"),
        ("fit.compile=stock", "fit.compile is stock"),
        ("model.0={Reshape: {target_shape: [3, 2]}}", ""),
        ("model.0={EinsumDense: {equation: 'ab,bc->ac', output_shape: 4}}", ""),
        ("compile.metrics=[{SparseTopKCategoricalAccuracy: {k: 2}}]", "SparseTopKCategoricalAccuracy"),
        ("compile.metrics=[{BinaryIoU: {}}]", "BinaryIoU"),
        ("compile.optimizer.Adam.gradient_accumulation_steps=2", "gradient_accumulation_steps"),
        ("compile.optimizer.Adam.loss_scale_factor=8", "loss_scale_factor"),
        ("compile.optimizer={ScheduleFreeAdamW: {learning_rate: {uniform: [0.1, 0.2]}}}", "ScheduleFreeAdamW"),
        (recurrent(f"{DEEP}, {{TimeDistributed: {{layer: {{LSTM: {{units: 2}}}}}}}}"), "LSTM"),
        (recurrent("{Conv1D: {filters: 2, kernel_size: 1}}"), "Conv1D"),
        (recurrent("{SimpleRNN: {units: 2}}"), ""),
        (recurrent("{SimpleRNN: {units: 2, dropout: 0.1}}"), "SimpleRNN with dropout"),
        (recurrent("{ZeroPadding1D: {padding: [0, 29]}}, {SimpleRNN: {units: 2}}"), ""),
        (
            recurrent("{ZeroPadding1D: {padding: [0, 30]}}, {SimpleRNN: {units: 2}}"),
            "SimpleRNN over more than 32",
        ),
        (recurrent("{GRU: {units: 2}}"), "GRU"),
        (
            recurrent(f"{DEEP}, {{TimeDistributed: {{layer: {{SimpleRNN: {{units: 2}}}}}}}}"),
            "SimpleRNN in TimeDistributed",
        ),
    ],
)
def test_what_cannot_train_together_says_why(make_points_table: MakeTable, override: str, reason: str) -> None:
    packs = packs_of(make_points_table(RATES, "search.trials=80", "model.1=Flatten", override))
    if reason:
        (found,) = reasons(packs)
        assert found.startswith(reason)
    else:
        assert {pack.size for pack in packs} == {5}


def test_members_differ_in_numbers_that_a_program_takes_as_tensors(make_points_table: MakeTable) -> None:
    plan = make_points_table(
        "model=[{Dense: {units: 8, kernel_regularizer: {l2: {uniform: [0.1, 0.2]}}}},"
        " {Dropout: {rate: {uniform: [0.1, 0.2]}}}, {Dense: {units: 1}}]",
        "compile.optimizer={AdamW: {learning_rate: {uniform: [0.1, 0.2]}, beta_1: {uniform: [0.1, 0.2]},"
        " weight_decay: {uniform: [0.1, 0.2]}}}",
        "fit.pack=8",
        "search.trials=8",
    )
    (pack,) = packs_of(plan)
    assert pack.size == len(pack.trials) == 8
    differing = [path for path, value in trial_numbers(pack.trials[0].spec).items() if 0.1 <= value <= 0.2]
    assert sorted(path[-1] for path in differing) == sorted(["learning_rate", "beta_1", "weight_decay", "rate", "l2"])


@pytest.mark.parametrize(
    "dimension",
    [
        "model.0.Dense.units={choice: [4, 8]}",
        "model.0.Dense.activation={choice: [relu, tanh]}",
        "fit.batch_size={choice: [16, 32]}",
        "fit.epochs={choice: [2, 3]}",
        "compile.loss={choice: [binary_crossentropy, mse]}",
        # A momentum of 0 is left out of the graph.
        "compile.optimizer={SGD: {learning_rate: {log_uniform: [1e-4, 1e-1]}, momentum: {choice: [0.0, 0.9]}}}",
        "compile.optimizer={Adam: {learning_rate: {log_uniform: [1e-4, 1e-1]}, epsilon: {choice: [1e-7, 1e-3]}}}",
    ],
)
def test_what_shapes_a_graph_makes_other_packs(make_points_table: MakeTable, dimension: str) -> None:
    overrides = (RATES, dimension) if "optimizer" not in dimension else (dimension,)
    packs = packs_of(make_points_table(*overrides, "fit.pack=64", "search.trials=40"))
    assert len({pack.program_key for pack in packs}) == len(packs) == 2


def test_repeats_train_within_their_seed_since_rows_come_in_its_order(make_points_table: MakeTable) -> None:
    packs = packs_of(make_points_table(RATES, "search.trials=6", "search.repeats=3", "fit.pack=6"))
    assert sizes(packs) == [(6, 6)] * 3
    assert [{trial.seed for trial in pack.trials} for pack in packs] == [{0}, {1}, {2}]
    assert len({pack.program_key for pack in packs}) == 1


def test_halves_keep_the_program_and_its_places(make_points_table: MakeTable) -> None:
    (pack,) = packs_of(make_points_table(RATES, "search.trials=5", "fit.pack=5"))
    first, second = halves(pack)
    assert first.trials + second.trials == pack.trials
    assert {part.program_key for part in (pack, first, second)} == {pack.program_key}
    assert first.size == second.size == 5
    assert len({pack.id, first.id, second.id}) == 3
    (alone,) = halves(halves(second)[1])
    assert alone.trials == pack.trials[4:]
