"""The power goes off after any operation on a file, and the disk keeps no more than it promised."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from seqjobs.execution.events import Event
from seqjobs.results.damage import find_damage
from seqjobs.results.progress import Standing
from seqjobs.store import durable
from seqjobs.store.local_store import LocalStore
from tests.faults.power import Disk, recorded, write_files
from tests.fixtures.fake_runner import StartFake, trainings
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import Watcher, committed, do, moved_points, result

UNITS = "model.0.Dense.units={choice: [1, 2, 3]}"


@pytest.mark.slow
def test_whatever_the_disk_forgets_no_trial_that_was_shown_done_is_trained_again(points: Path, tmp_path: Path) -> None:
    plan = plan_of(moved_points(points, tmp_path), UNITS, "search.sampler=grid", "limits.checkpoint=1")
    runs = tmp_path / "runs"
    runs.mkdir()
    shown: list[tuple[int, frozenset[str]]] = []

    with recorded(runs) as disk:

        def look(_event: Event, standing: Standing) -> None:
            shown.append((len(disk.states), frozenset(standing.records)))

        do(plan, runs / "one", watcher=Watcher(look))
    golden = result(runs / "one")
    assert len(disk.states) > 60
    tried: set[int] = set()
    for index, state in enumerate(disk.states):
        done = frozenset().union(*(trials for at, trials in shown if at <= index + 1))
        for word, files in state.cuts():
            if (key := hash((frozenset(files.items()), done))) in tried:
                continue
            tried.add(key)
            again, notes = tmp_path / f"again-{index}", tmp_path / f"notes-{index}"
            write_files(files, again)
            do(plan, again / "one", start=StartFake(notes=notes))
            where = (index, word)
            assert not done & set(trainings(notes)), where
            # What trials printed is there to be read, and nothing waits for it to be on the disk.
            assert {**result(again / "one"), "logs": golden["logs"]} == golden, where
            assert find_damage(LocalStore(again / "one")) == (), where
            assert not list(again.rglob(f"{durable.ASIDE_PREFIX}*")), where
            shutil.rmtree(again)
            notes.unlink(missing_ok=True)
    assert len(tried) > 100


def test_the_model_sees_what_is_not_synced(tmp_path: Path) -> None:
    with recorded(tmp_path) as disk:
        durable.create_once(tmp_path / "a", b"x" * 600)
        durable.replace(tmp_path / "a", b"y", lasting=False)
    found = {word: files for state in disk.states[-1:] for word, files in state.cuts()}
    assert found["all of it"] == {"a": b"y"}
    assert found["no data but what was synced"] == {"a": b""}
    assert found["nothing but what was synced"] == {"a": b"x" * 600}
    assert _last_synced(disk) == {"a": b"x" * 600}


def _last_synced(disk: Disk) -> dict[str, bytes | None]:
    return dict(disk.states[-1].cuts())["nothing but what was synced"]


def test_what_counts_as_done_is_in_the_log(points: Path, tmp_path: Path) -> None:
    plan = plan_of(moved_points(points, tmp_path), UNITS, "search.sampler=grid")

    def look(_event: Event, standing: Standing) -> None:
        assert set(standing.records) <= committed(tmp_path / "run")

    do(plan, tmp_path / "run", watcher=Watcher(look))
