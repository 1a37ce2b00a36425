"""What the report of the benchmarks says, and how its figures are computed. How fast anything is, is not tested."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.markdown import times
from tests.benchmarks.parts._sides import PACKED, missing
from tests.benchmarks.peers import KERAS_LOOP, PEERS, Peer
from tests.benchmarks.picture import pack_sizes_picture
from tests.benchmarks.report import rendered
from tests.benchmarks.results import HistoryDifference, Machine, Results, Roofline, Side, Speed
from tests.benchmarks.rows import read_rows, read_workload, write_rows
from tests.benchmarks.store import Store
from tests.benchmarks.targets import targets
from tests.benchmarks.timing import Timing
from tests.benchmarks.workloads import WORKLOADS, Workload

COMMITTED = Store(folder=Path(__file__).parent)
MACHINE = Machine(cpu="a CPU", cores=2, memory_gib=8.0)


def results_of(**parts: Any) -> Results:
    return Results(machine=MACHINE, versions={"python": "3"}, quick=False, **parts)


def few_rows(name: str) -> Workload:
    workload = WORKLOADS[name]
    return replace(workload, rows=50, validation_rows=10 if workload.validation_rows else 0)


def speed_of(workload: str, **medians: float) -> Speed:
    """Sides by name with underscores for dashes, each with three samples around its median."""
    sides = [
        Side(
            name=name.replace("_", "-"),
            label=name,
            how="made up",
            trials=4,
            startup_seconds=(10.0,),
            seconds=(value * 0.9, value, value * 1.2),
        )
        for name, value in medians.items()
    ]
    return Speed(
        workload=workload,
        title="a model",
        rows=10,
        validation_rows=0,
        validation_split=0.2,
        epochs=1,
        batch_size=5,
        sides=tuple(sides),
    )


def assert_sane(results: Results) -> None:
    """Every time is one, and no step is faster than the core."""
    for speed in results.speed:
        for side in speed.sides:
            assert side.trials >= 2
            assert all(0 < value < 3600 for value in (*side.seconds, *side.startup_seconds)), side
            # A side that only imports TensorFlow is up after seconds, not at once.
            assert min(side.startup_seconds) > 0.5, side
    for one in results.roofline:
        assert 0 < one.share < 1.2, one
        assert one.square_gflops > 1, one
    for sizes in results.pack_sizes:
        assert all(0 < value < 1 for value in sizes.step_seconds), sizes
    for history in results.histories:
        assert 0 <= history.first_epoch <= history.all_epochs, history
        # Far from stock only where stock itself is far from what it is with features that are rounded otherwise.
        assert history.all_epochs < max(1e-2, 10 * history.nudged), history
        assert history.steady_all_epochs < 1e-4, history
        assert history.graph_all_epochs < 1e-4, history
    if results.memory is not None:
        assert abs(results.memory.growth_mb) < 5_000
    assert all(
        math.isfinite(value)
        for value in (*results.empty_trials.values(), *results.durability.values(), *results.reading.values())
    )


def test_the_committed_report_is_made_of_the_committed_figures() -> None:
    results = COMMITTED.read()
    if results is None:
        pytest.skip("nothing is committed")
    assert COMMITTED.report.read_text() == rendered(results)
    if results.pack_sizes:
        assert COMMITTED.picture.read_text() == pack_sizes_picture(results.pack_sizes)
    assert not results.quick
    assert_sane(results)
    assert {speed.workload for speed in results.speed} == set(WORKLOADS)
    assert all(speed.side(PACKED) and speed.side(KERAS_LOOP) for speed in results.speed)
    text = COMMITTED.figures.read_text() + COMMITTED.report.read_text()
    assert not any(word in text for word in ("/tmp", "/root", "/home", "://"))


@pytest.mark.parametrize("name", WORKLOADS)
def test_rows_are_the_same_every_time_and_fit_the_model(name: str, tmp_path: Path) -> None:
    workload = few_rows(name)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        write_rows(workload, folder)
    for file in sorted(path.name for path in folders[0].iterdir()):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()
    assert read_workload(folders[0]) == workload

    rows = read_rows(workload, folders[0])
    assert rows.features.shape == (50, *workload.feature_shape)
    assert rows.targets.shape == (50, workload.num_classes if workload.one_hot else 1)
    assert (rows.validation is not None) == bool(workload.validation_rows)
    assert 0.1 < rows.features.std() < 2
    assert len(set(map(tuple, rows.targets))) == workload.num_classes


def test_flops_are_those_counted_by_hand() -> None:
    # 784-128-64-1, 32 rows: all products twice, and a third time where there is a layer before.
    assert WORKLOADS["dense"].flops == 2 * 32 * (2 * 784 * 128 + 3 * 128 * 64 + 3 * 64)
    assert WORKLOADS["convolution"].flops == 2 * 128 * (2 * 676 * 9 * 32 + 3 * 5408 * 128 + 3 * 128 * 10)
    assert WORKLOADS["dense"].steps == 300
    assert WORKLOADS["dropout"].steps == 200  # of the four fifths that are trained on


def test_a_timing_leaves_out_the_first_trial_of_each_that_runs() -> None:
    one = Timing.of([10.0, 12.0, 15.0])
    assert (one.startup_seconds, one.seconds, one.trials) == (10.0, (2.0, 3.0), 3)
    two = Timing.of([11.0, 10.0, 14.0, 17.0], at_once=2)
    assert (two.startup_seconds, two.seconds, two.trials) == (10.0, (2.0, 3.0), 4)


def test_a_peer_whose_library_is_not_there_is_left_out_and_named() -> None:
    peer = Peer(label="a peer", module="nowhere", how="-", needs=("json", "no_such_module"))
    assert missing(peer) == "no_such_module not installed"
    assert missing(replace(peer, needs=("json",))) == ""
    speed = speed_of("small", seqjobs=1.0).model_copy(update={"left_out": ("a peer: no_such_module not installed",)})
    assert "- Left out: a peer: no_such_module not installed" in rendered(results_of(speed=(speed,)))


def test_targets_are_met_missed_or_not_measured() -> None:
    by_what = {(one.what, one.against): one for one in targets(results_of())}
    assert {one.met for one in by_what.values()} == {None}

    measured = results_of(
        speed=(
            speed_of("small", seqjobs=0.003, keras_loop=3.4, seqjobs_singly=0.05),
            speed_of("dense", seqjobs=0.5, keras_loop=5.0),
        ),
        roofline=(
            Roofline(
                workload="dense",
                members=1,
                compiled="xla",
                flops=10**7,
                step_seconds=(1e-4, 2e-4, 3e-4),
                square_gflops=80.0,
                own_gflops=70.0,
            ),
        ),
        histories=(
            HistoryDifference(
                workload="dense",
                compiled="xla",
                trials=2,
                epochs=5,
                first_epoch=1e-7,
                all_epochs=3e-6,
                graph_all_epochs=0.0,
                nudged=1e-1,
                steady=1,
                steady_all_epochs=2e-6,
            ),
        ),
    )
    found = {(one.what, one.against): (one.measured, one.met) for one in targets(measured)}
    loop = PEERS[KERAS_LOOP].label
    assert found["time of a small trial, in packs", loop] == ("1/1,133", True)
    assert found["time of a small trial, one at a time", loop] == ("1/68", False)
    assert found["time of a dense trial", loop] == ("1/10", False)
    assert found["one step, dense", "the core's sgemm rate"] == ("62%", True)
    assert found["losses of steady trials (1 of 2), relative difference", "stock `fit`"] == ("2e-06", True)
    assert "| time of a dense trial | keras loop | 1/15 | 1/10 | **no** |" in rendered(measured)


@pytest.mark.parametrize(
    ("ratio", "reach", "shown"), [(19.8, 20, "19.8"), (4.46, 4.5, "4.46"), (23, 20, "23"), (20, 20, "20")]
)
def test_a_target_that_is_missed_does_not_read_as_met(ratio: float, reach: float, shown: str) -> None:
    assert times(ratio, unlike=reach) == shown


def test_figures_of_another_machine_are_not_gone_on_with(tmp_path: Path) -> None:
    store = Store(folder=tmp_path)
    measured = results_of(speed=(speed_of("small", seqjobs=1 / 3),))
    store.write(measured)
    kept = store.begin(results_of())
    assert kept.speed[0].side(PACKED).seconds == (0.3, 0.3333, 0.4)  # type: ignore[union-attr]
    other = results_of().model_copy(update={"machine": MACHINE.model_copy(update={"cores": 64})})
    assert store.begin(other).speed == ()
