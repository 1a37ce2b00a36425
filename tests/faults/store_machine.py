"""What drivers do to a run's folder, in any order and cut off anywhere, against a model of its log.

`python -m tests.faults.store_machine --examples 3000` runs more of it than the tests do.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from seqjobs.errors import RunFolderError, StorageError
from seqjobs.execution.attempts import Attempts
from seqjobs.execution.events import AttemptEnded, AttemptPlanned, AttemptsPlanned, CheckpointTaken, Member, Waiting
from seqjobs.execution.pack_run import PackEnd, run_pack
from seqjobs.planning.trial import Pack
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.damage import Kind, find_damage
from seqjobs.results.held_run import hold_run
from seqjobs.results.repair import repair
from seqjobs.results.run import Run
from seqjobs.results.run_log import last_segment, segment_name
from seqjobs.results.run_writer import RunWriter
from seqjobs.training.outcome import Cause, Failure, PackCheckpoint, TrialOutcome
from tests.faults.operations import interposed
from tests.faults.power import recorded, write_files
from tests.faults.store_folder import Driver, Killed, StoreFolder, Strike, files_of
from tests.faults.store_model import Begun, Cleared, Died, Ended, Lost, Started
from tests.faults.store_world import EPOCHS, world
from tests.fixtures.fake_runner import FakeRunner, StartFake
from tests.fixtures.runs import Watcher

WORKER = "w"
KINDS = ("kill", "kill", "kill", "disk", "reader")
STRIKES = st.none() | st.tuples(st.sampled_from(KINDS), st.integers(1, 14))
LONG_STRIKES = st.none() | st.tuples(st.sampled_from(KINDS), st.integers(1, 60))
STEPS = ("plan", "plan two", "save", "end", "end", "end", "die", "lose", "commit")


class Store(StoreFolder):
    """The rules: what drivers do, and what happens to the folder."""

    # What a driver does.

    @precondition(lambda self: self._session is None)
    @rule(strike=LONG_STRIKES)
    def begin(self, strike: Strike) -> None:
        self._do(strike, self._open)

    def _open(self) -> None:
        driver = Driver(self._plan.table, self._paths.store, Watcher(self._show))
        self._session = driver
        told = self._model.told(self._epochs_saved)
        self._left = list(driver.packs_left(world().facts))
        left = [trial.id for pack in self._left for trial in pack.trials]
        assert len(left) == len(set(left)), "a trial is in two packs"
        assert set(left) >= world().trial_ids - set(told.done)
        assert all(any(trial.id not in told.done for trial in pack.trials) for pack in self._left), "done, and again"
        self._model.note(Begun())
        self._model.seal()
        tries = driver.begin(world().facts).tries
        assert {pack: each.charged for pack, each in tries.items() if each.charged} == {
            pack: count for pack, count in told.charged.items() if count
        }
        died_alone = {pack: each.died_alone for pack, each in tries.items() if each.died_alone}
        assert died_alone == {pack: count for pack, count in told.suspects.items() if count}
        assert {pack for pack, each in tries.items() if each.is_suspect} >= set(told.suspects)
        assert [pack.id for pack in driver.writer.packs_left] == [pack.id for pack in self._left]
        self._account, self._begun = Attempts(tries), []

    def _epochs_saved(self, pack: str) -> int:
        checkpoint = CheckpointStore(self._paths.store).load(pack)
        epochs = 0 if checkpoint is None else checkpoint.epochs
        allowed = self._saved.get(pack, {0})
        assert epochs in allowed, f"pack {pack} goes on from {epochs} epochs, not from {allowed}"
        return epochs

    @precondition(lambda self: self._session)
    @rule(
        steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=9),
        strike=STRIKES,
    )
    def work(self, steps: list[str], strike: Strike) -> None:
        """Some steps, the last of which may be struck."""
        for number, step in enumerate(steps, start=1):
            if self._session is not None:
                self._step(step, strike if number == len(steps) else None)

    def _step(self, step: str, strike: Strike) -> None:
        if step == "commit":
            self._do(strike, self._commit)
        elif step.startswith("plan") or not self._begun:
            self._do(strike, lambda: self._start(2 if step == "plan two" else 1))
        elif step == "save":
            self._save_first(strike)
        elif step == "end":
            pack = self._begun.pop(0)
            self._do(strike, lambda: self._end(self._of().writer, pack))
        else:
            self._lose_first(strike, Cause.CRASH if step == "die" else Cause.INFRASTRUCTURE)

    def _start(self, count: int) -> None:
        planned = []
        for pack in self._left[:count]:
            epochs = self._epochs_saved(pack.id)
            behind = self._begun[-1].id if self._begun else None
            number = self._account.begin(pack, epochs)
            alone = self._account.is_suspect(pack)
            planned.append(
                AttemptPlanned(
                    pack_id=pack.id, attempt=number, worker=WORKER, behind=behind, epochs=epochs, alone=alone
                )
            )
            self._model.note(Started(pack=pack.id, behind=behind, epochs=epochs, alone=alone))
            self._begun.append(pack)
        del self._left[:count]
        if planned:
            self._model.seal()
            self._of().writer.handle(AttemptsPlanned(attempts=tuple(planned)))

    def _commit(self) -> None:
        self._of().writer.commit()
        self._of().writer.handle(Waiting())

    def _save_first(self, strike: Strike) -> None:
        pack = self._begun[0]
        epochs = min(max(self._saved.get(pack.id, {0})) + 1, EPOCHS - 1)
        self._saved[pack.id] = self._saved.get(pack.id, {0}) | {epochs}
        if self._do(strike, lambda: self._save(self._of().writer, pack, epochs)):
            self._saved[pack.id] = {epochs}

    def _save(self, writer: RunWriter, pack: Pack, epochs: int) -> None:
        checkpoint = PackCheckpoint(epochs=epochs, content=f"{epochs} {pack.id}".encode())
        writer.handle(
            CheckpointTaken(pack_id=pack.id, attempt=self._account.number(pack), worker=WORKER, checkpoint=checkpoint)
        )

    def _end(self, writer: RunWriter, pack: Pack) -> None:
        event = self._ended(pack)
        said = tuple((member.outcome.trial_id, self._said(member.outcome)) for member in event.members)
        self._model.note(Ended(pack=pack.id, trials=said))
        # Its checkpoint is of no use from the moment its end is durable, and goes then.
        before = self._saved.get(pack.id, {0})
        self._saved[pack.id] = before | {0}
        try:
            writer.handle(event)
        except StorageError as error:
            if Path(error.where).parent != self._paths.log:
                # Its weights or its log could not be written: it never came to a record.
                self._model.withdraw()
                self._saved[pack.id] = before
            raise

    def _ended(self, pack: Pack) -> AttemptEnded:
        items = list(run_pack(FakeRunner(StartFake(), 1), pack, world().datasets[pack.dataset], None, lambda: False))
        (end,) = (item for item in items if isinstance(item, PackEnd))
        members = [
            Member(outcome=outcome, fetch_weights=functools.partial(tuple, weights))
            for outcome, weights in zip(end.outcomes, end.weights, strict=True)
        ]
        over = self._account.over(pack, WORKER, end, members)
        assert isinstance(over, AttemptEnded)
        return over

    def _said(self, outcome: TrialOutcome) -> str:
        failed = outcome.failure is not None
        return repr((failed, {name: list(map(float, values)) for name, values in outcome.history.items()}))

    def _lose_first(self, strike: Strike, cause: Cause) -> None:
        pack = self._begun.pop(0)
        lost = self._account.lost(pack, WORKER, Failure(cause=cause, message="it died"))
        self._left = [*self._account.again(pack, lost), *self._left]
        self._model.note(Died(pack=pack.id, charged=lost.charged, at_least=2 if lost.split else 0))
        if lost.split:
            self._saved[pack.id] = self._saved.get(pack.id, {0}) | {0}
        self._do(strike, lambda: self._of().writer.handle(lost))

    @precondition(lambda self: self._session)
    @rule(
        strike=STRIKES,
        error=st.sampled_from([None, KeyboardInterrupt(), RuntimeError("unforeseen")]),
        cut=st.none() | st.integers(0, 100),
    )
    def leave(self, strike: Strike, error: BaseException | None, cut: int | None) -> None:
        """With a cut of the power soon after."""
        self._do(strike, lambda: self._leave(error))
        if self._disk is not None and cut is not None:
            self._cut_power(cut)

    # What happens to it.

    @precondition(lambda self: self._session is None and self._disk is not None)
    @rule(number=st.integers(0, 100))
    def cut_power(self, number: int) -> None:
        self._cut_power(number)

    def _cut_power(self, number: int) -> None:
        assert self._disk is not None
        self._was_cut = True
        cuts = list(self._disk.states[-1].cuts())
        _, files = cuts[number % len(cuts)]
        self._stack.close()
        for path in self._folder.iterdir():
            shutil.rmtree(path)
        write_files(files, self._folder)
        self._disk = self._stack.enter_context(recorded(self._folder))
        self._disk.restart()
        # What a checkpoint that was taken back leaves is the one before, or none where its end was known by then.
        self._settle()

    @precondition(lambda self: self._session)
    @rule()
    def come_second(self) -> None:
        before = files_of(self._paths.root)
        with pytest.raises(RunFolderError, match=rf"in use by process {os.getpid()} on.*\[E602\]"):
            hold_run(self._plan.table, self._paths.store).__enter__()
        assert files_of(self._paths.root) == before

    @precondition(lambda self: self._session)
    @rule(saves=st.booleans(), ends=st.booleans())
    def take_over(self, saves: bool, ends: bool) -> None:
        """Somebody removes the lock, and another driver goes on: from then on the first counts for nothing."""
        first, begun = self._of(), list(self._begun)
        self._model.forget()
        self._paths.lock.unlink()
        self._do(None, self._open)
        if begun and saves:
            with suppress(StorageError):
                self._save(first.writer, begun[0], 1)
            self._saved[begun[0].id] = self._saved.get(begun[0].id, {0}) | {1}
        segments = files_of(self._paths.log)
        if begun and ends:
            with suppress(StorageError):
                first.writer.handle(self._ended(begun[0]))
        self._account = Attempts(self._of().writer.tries)
        with pytest.raises(StorageError, match=r"E605|E606"):
            first.leave(None)
        assert files_of(self._paths.log) == segments, "a driver that lost its run has written to the log"

    @precondition(lambda self: self._session is None and self._model.segments)
    @rule(data=st.data(), strikes=st.lists(STRIKES, max_size=2))
    def spoil(self, data: st.DataObject, strikes: list[Strike]) -> None:
        """A file of the log or of kept weights is spoilt; it is found, given up by a repair, and nothing else is."""
        kept = self._kept()
        files = [*sorted(kept), *sorted(self._paths.log.glob("*.jsonl"))]
        path = data.draw(st.sampled_from(files))
        how = data.draw(st.sampled_from(["flip", "cut", "gone"]))
        # That a last segment ever was there is known to nobody; and weights may be gone for the sake of trials whose
        # ends a repair gave up.
        assume(how != "gone" or (path not in kept and path.name != segment_name(len(self._model.segments))))
        self._spoil(path, how)
        assert [self._paths.root / damage.path for damage in find_damage(self._paths.store)] == [path]
        segment = path.parent == self._paths.log
        if segment:
            for reader in (Run.open, self._entered):
                with pytest.raises(StorageError, match="E609"):
                    reader(self._paths.root)
            self._model.segments[int(path.stem) - 1] = [Lost()]
        self._model.note(Cleared(trials=() if segment else kept[path]))
        for strike in (*strikes, None):
            self._repair(strike)
        self._model.found(last_segment(self._paths.store))
        self._model.durable = len(self._model.segments)
        self._shown = self._model.told().done
        self._settle()

    def _repair(self, strike: Strike) -> None:
        if strike is not None and strike[0] == "reader":
            strike = None  # (who reads meanwhile is told of the damage)
        with interposed(self._struck(strike)), suppress(Killed):
            try:
                repair(self._paths.store)
            except StorageError as error:
                if strike is None:
                    raise AssertionError("a repair fails that nothing disturbs") from error

    @precondition(lambda self: self._session is None and self._model.segments)
    @rule()
    def spoil_the_plan(self) -> None:
        """Nothing stands in for it: all say so and leave the rest alone, until it is there again."""
        content = self._paths.plan.read_bytes()
        self._spoil(self._paths.plan, "flip")
        before = files_of(self._paths.root)
        for call in (Run.open, lambda _: repair(self._paths.store), self._entered):
            with pytest.raises(RunFolderError, match="E608"):
                call(self._paths.root)
        assert [damage.kind for damage in find_damage(self._paths.store)] == [Kind.PLAN]
        assert files_of(self._paths.root) == before
        self._paths.plan.write_bytes(content)
        self._keep_all()


def run_machine(*, examples: int, steps: int, derandomize: bool) -> None:
    """Raises AssertionError with the steps that break a promise, as few as were found to."""
    world()
    run_state_machine_as_test(
        Store,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.store_machine", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    run_machine(examples=options.examples, steps=options.steps, derandomize=False)
    print(f"held: {options.examples:,} runs of up to {options.steps} steps")


if __name__ == "__main__":
    main()
