"""What becomes of packs that die: halves of the same program, down to the member that kills."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqjobs.execution.events import AttemptEnded, AttemptLost
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.retry import Tries
from seqjobs.execution.splitting import SPLIT_AFTER, parts_of, suspects_in
from seqjobs.planning.packing import halves
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.results.record import TrialStatus
from seqjobs.training.outcome import Cause
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import do, stop_after


def rates(*values: float) -> str:
    return f"compile.optimizer.Adam.learning_rate={{choice: {[float(value) for value in values]}}}"


def plan_of_rates(make_points_plan: MakePlan, *values: float, retries: int = 2) -> Plan:
    return make_points_plan(
        rates(*values), "search.sampler=grid", f"fit.pack={len(values)}", f"limits.retries={retries}"
    )


def pack_of(plan: Plan) -> Pack:
    (pack,) = plan.packs
    return pack


@pytest.mark.parametrize("died", [Tries(charged=SPLIT_AFTER), Tries(is_suspect=True, died_alone=SPLIT_AFTER)])
def test_a_pack_is_split_once_two_attempts_were_charged_to_it(make_points_plan: MakePlan, died: Tries) -> None:
    pack = pack_of(plan_of_rates(make_points_plan, 0.1, 0.2, 0.3, 0.4, 0.5))
    assert list(parts_of(pack, {})) == [pack]
    assert list(parts_of(pack, {pack.id: Tries(charged=SPLIT_AFTER - 1, with_driver=9, is_suspect=True)})) == [pack]
    first, second = halves(pack)
    assert list(parts_of(pack, {pack.id: died})) == [first, second]
    again = {pack.id: died, second.id: died, second.trials[0].id: Tries(charged=9)}
    assert list(parts_of(pack, again)) == [first, *halves(second)]
    (alone,) = halves(halves(second)[1])
    assert list(parts_of(alone, {alone.id: Tries(charged=99)})) == [alone]


def test_the_halves_of_a_suspect_are_suspects_until_they_get_further(make_points_plan: MakePlan) -> None:
    pack = pack_of(plan_of_rates(make_points_plan, 0.1, 0.2, 0.3, 0.4))
    first, second = halves(pack)
    split = {pack.id: Tries(is_suspect=True, died_alone=SPLIT_AFTER)}
    assert list(suspects_in(pack, {})) == []
    assert list(suspects_in(pack, {pack.id: Tries(is_suspect=True)})) == [pack.id]
    assert list(suspects_in(pack, split)) == [first.id, second.id]
    assert list(suspects_in(pack, {**split, first.id: Tries(furthest=1)})) == [second.id]
    assert list(suspects_in(pack, {pack.id: Tries(charged=SPLIT_AFTER)})) == []


@pytest.mark.parametrize(
    ("behaviour", "cause", "retries", "tries"),
    [
        # Twice together with all, twice with another one, and then by itself as often as any trial.
        (Behaviour.RAISE, Cause.CRASH, 2, 2 + 2 + 3),
        (Behaviour.CRASH, Cause.CRASH, 0, 1 + 1 + 1),
        (Behaviour.OUT_OF_MEMORY, Cause.OUT_OF_MEMORY, 2, 2 + 2 + 2),
    ],
)
def test_the_member_that_kills_a_pack_fails_alone(
    make_points_plan: MakePlan, tmp_path: Path, behaviour: Behaviour, cause: Cause, retries: int, tries: int
) -> None:
    plan = plan_of_rates(make_points_plan, 0.1, behaviour, 0.3, 0.4, retries=retries)
    pack, notes = pack_of(plan), tmp_path / "notes"
    with InProcess(start=StartFake(notes=notes)) as executor:
        executor.load(plan.datasets)
        events = list(executor.run([pack], {}))
    ended = [event for event in events if isinstance(event, AttemptEnded)]
    finished = [member.outcome.trial_id for event in ended for member in event.members]
    killer = pack.trials[1].id
    assert sorted(finished) == sorted(trial.id for trial in pack.trials if trial.id != killer)
    lost = [event for event in events if isinstance(event, AttemptLost)]
    assert [event.final for event in lost] == [False] * (tries - 1) + [True]
    assert {event.failure.cause for event in lost} == {cause}
    assert sum(event.split for event in lost) == 2
    assert trainings(notes).count(killer) == tries


def test_a_run_knows_the_parts_of_its_packs_and_each_trial_has_its_end(
    make_points_plan: MakePlan, tmp_path: Path
) -> None:
    plan = plan_of_rates(make_points_plan, 0.1, 0.2, Behaviour.RAISE, 0.4, 0.5, 0.6, retries=1)
    paths, notes = RunPaths(root=tmp_path / "run"), tmp_path / "notes"
    run = do(plan, paths.root, start=StartFake(notes=notes))
    failed = {trial_id for trial_id, record in run.records.items() if record.status is TrialStatus.FAILED}
    killer = pack_of(plan).trials[2].id
    assert failed == {killer}
    assert run.num_finished == 5
    assert "a runner that raises" in run.trial_log(killer)
    # And so does who comes after: nothing is left to do, and nothing was done twice once it had ended.
    before = trainings(notes)
    again = do(plan, paths.root, start=StartFake(notes=notes))
    assert again.records == run.records
    assert trainings(notes) == before


def test_a_half_that_was_committed_is_not_trained_again(make_points_plan: MakePlan, tmp_path: Path) -> None:
    """The driver is stopped between the two halves of a pack."""
    plan = plan_of_rates(make_points_plan, 0.1, 0.2, Behaviour.RAISE, 0.4, retries=0)
    paths, notes = RunPaths(root=tmp_path / "run"), tmp_path / "notes"

    with pytest.raises(KeyboardInterrupt):
        do(plan, paths.root, start=StartFake(notes=notes), watcher=stop_after(1))
    done = pack_of(plan).trials[:2]
    assert [trainings(notes).count(trial.id) for trial in done] == [2, 2]
    run = do(plan, paths.root, start=StartFake(notes=notes))
    assert [trainings(notes).count(trial.id) for trial in done] == [2, 2]
    assert (run.num_finished, run.num_failed) == (3, 1)
