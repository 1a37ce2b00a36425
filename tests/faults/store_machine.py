"""What drivers do to a run's folder, in any order and cut off anywhere, against a model of its log.

`python -m tests.faults.store_machine --examples 3000` runs more of it than the tests do.
"""

from __future__ import annotations

import argparse
import errno
import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.errors import ClusterError, RunFolderError, StorageError
from seqjobs.execution.attempts import Attempts
from seqjobs.execution.events import AttemptEnded, AttemptPlanned, AttemptsPlanned, CheckpointTaken, Member, Waiting
from seqjobs.execution.executor import DatasetFacts
from seqjobs.execution.pack_run import PackEnd, run_pack
from seqjobs.planning.plan import Plan
from seqjobs.planning.run_paths import RunPaths
from seqjobs.planning.trial import Pack
from seqjobs.results import session as session_module
from seqjobs.results.damage import Kind, find_damage
from seqjobs.results.record import TrialRecord
from seqjobs.results.repair import repair
from seqjobs.results.run import Run
from seqjobs.results.run_log import last_segment, segment_name
from seqjobs.results.session import Session
from seqjobs.results.versions import versions
from seqjobs.storage import durable, lock
from seqjobs.training.outcome import Cause, Failure, PackCheckpoint, TrialOutcome
from tests.conftest import POINTS_SPEC
from tests.fake_runner import Behaviour, FakeRunner, StartFake
from tests.faults.operations import interposed
from tests.faults.power import Disk, recorded, write_files
from tests.faults.store_model import Begun, Cleared, Died, Ended, LeftInOrder, LogModel, Lost, Started
from tests.run_job.samples import Watcher, do, plan_of, result, write_points

RATES = f"learning_rate: {{choice: [0.1, 0.2, {float(Behaviour.NAN)}]}}"
TEXT = (
    POINTS_SPEC.replace("learning_rate: 0.01", RATES)
    .replace("units: 8", "units: {choice: [1, 2, 3]}")
    .replace("epochs: 3", "epochs: 4, pack: 3")
    + "search: {sampler: grid}\nkeep: {best: 2}\nlimits: {retries: 100}\n"
)
EPOCHS = 4
# What a disk keeps is the model's to say, and no test has to wait for one.
IN_MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
WORKER = "w"


class Killed(BaseException):
    """Stands for SIGKILL: no operation on a file works from here on."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What all runs of the machine share."""

    plan: Plan
    datasets: Mapping[str, Dataset]
    golden: Mapping[str, Any]

    @property
    def facts(self) -> dict[str, DatasetFacts]:
        return {name: DatasetFacts.of(dataset) for name, dataset in self.datasets.items()}


_FOLDER = tempfile.TemporaryDirectory()


@functools.cache
def world() -> World:
    folder = Path(_FOLDER.name)
    write_points(folder)
    (folder / "job.yaml").write_text(TEXT)
    plan = plan_of(folder / "job.yaml")
    do(plan, folder / "golden")
    datasets = {source.id: read_dataset(source) for source in plan.datasets}
    return World(plan=plan, datasets=datasets, golden=result(folder / "golden"))


KINDS = ("kill", "kill", "kill", "disk", "reader")
STRIKES = st.none() | st.tuples(st.sampled_from(KINDS), st.integers(1, 14))
LONG_STRIKES = st.none() | st.tuples(st.sampled_from(KINDS), st.integers(1, 60))
STEPS = ("plan", "plan two", "save", "end", "end", "end", "die", "lose", "commit")
Strike = tuple[str, int] | None


class Store(RuleBasedStateMachine):
    """One run folder. A strike is what happens at the n-th operation on a file of a rule: the driver is killed there,
    the disk fails there, or somebody reads the run there."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(dir=IN_MEMORY))
        self._paths = RunPaths(root=self._folder / "one")
        self._plan = world().plan
        self._patched = pytest.MonkeyPatch()
        self._patched.setattr(lock, "PATIENCE_SECONDS", 0.01)
        self._patched.setattr(session_module, "versions", functools.cache(versions))
        self._stack = ExitStack()
        self._disk: Disk | None = None
        self._model = LogModel()
        self._session: Session | None = None
        self._account = Attempts({})
        self._begun: list[Pack] = []
        self._left: list[Pack] = []
        self._shown: dict[str, str] = {}
        self._saved: dict[str, set[int]] = {}
        self._was_cut = False

    @initialize(with_power=st.sampled_from([True, True, False]))
    def choose(self, with_power: bool) -> None:
        if with_power:
            self._disk = self._stack.enter_context(recorded(self._folder))
            self._disk.restart()

    def teardown(self) -> None:
        """However it came, the same command ends the run, with the result of one without any fault."""
        try:
            self._stack.close()
            self._finish()
        finally:
            self._patched.undo()
            shutil.rmtree(self._folder)

    def _finish(self) -> None:
        if self._session is not None:
            self._leave(None)
            self._settle()
        self._look()
        do(self._plan, self._paths.root)
        run, ours = Run.open(self._paths.root), dict(world().golden)
        found = result(self._paths.root)
        if self._was_cut:
            # What trials printed is there to be read, and nothing waits for it to be on the disk.
            found["logs"] = ours["logs"]
        assert repr(found) == repr(ours)
        assert set(run.records) == {trial.id for trial in self._plan.trials}
        assert find_damage(self._paths) == ()
        assert not list(self._paths.root.rglob(f"{durable.ASIDE_PREFIX}*"))
        assert not list(self._paths.checkpoints.glob("*"))

    # What a driver does.

    @precondition(lambda self: self._session is None)
    @rule(strike=LONG_STRIKES)
    def begin(self, strike: Strike) -> None:
        self._do(strike, self._open)

    def _open(self) -> None:
        session = Session(self._plan, self._paths, Watcher(self._show))
        session.__enter__()
        self._session = session
        told = self._model.told(self._epochs_saved)
        assert {pack: tries.charged for pack, tries in session.tries.items() if tries.charged} == {
            pack: count for pack, count in told.charged.items() if count
        }
        session.examine(world().facts)
        self._left = list(session.packs_left)
        left = [trial.id for pack in self._left for trial in pack.trials]
        assert len(left) == len(set(left)), "a trial is in two packs"
        assert set(left) >= {trial.id for trial in self._plan.trials} - set(told.done)
        assert all(any(trial.id not in told.done for trial in pack.trials) for pack in self._left), "done, and again"
        self._model.note(Begun())
        self._model.seal()
        session.begin(world().facts)
        self._account, self._begun = Attempts(session.tries), []

    def _epochs_saved(self, pack: str) -> int:
        checkpoint = self._of().checkpoint_of(pack)
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
            self._do(strike, lambda: self._end(self._of(), pack))
        else:
            self._lose_first(strike, Cause.CRASH if step == "die" else Cause.INFRASTRUCTURE)

    def _start(self, count: int) -> None:
        planned = []
        for pack in self._left[:count]:
            epochs = self._epochs_saved(pack.id)
            behind = self._begun[-1].id if self._begun else None
            number = self._account.begin(pack, epochs)
            planned.append(AttemptPlanned(pack_id=pack.id, attempt=number, worker=WORKER, behind=behind, epochs=epochs))
            self._model.note(Started(pack=pack.id, behind=behind, epochs=epochs))
            self._begun.append(pack)
        self._model.seal()
        del self._left[:count]
        if planned:
            self._of().handle(AttemptsPlanned(attempts=tuple(planned)))

    def _commit(self) -> None:
        self._of().commit()
        self._of().handle(Waiting())

    def _save_first(self, strike: Strike) -> None:
        pack = self._begun[0]
        epochs = min(max(self._saved.get(pack.id, {0})) + 1, EPOCHS - 1)
        self._saved[pack.id] = self._saved.get(pack.id, {0}) | {epochs}
        if self._do(strike, lambda: self._save(self._of(), pack, epochs)):
            self._saved[pack.id] = {epochs}

    def _save(self, session: Session, pack: Pack, epochs: int) -> None:
        checkpoint = PackCheckpoint(epochs=epochs, content=f"{epochs} {pack.id}".encode())
        session.handle(
            CheckpointTaken(pack_id=pack.id, attempt=self._account.number(pack), worker=WORKER, checkpoint=checkpoint)
        )

    def _end(self, session: Session, pack: Pack) -> None:
        event = self._ended(pack)
        said = tuple((member.outcome.trial_id, self._said(member.outcome)) for member in event.members)
        self._model.note(Ended(pack=pack.id, trials=said))
        # Its checkpoint is of no use from the moment its end is durable, and goes then.
        self._saved[pack.id] = self._saved.get(pack.id, {0}) | {0}
        try:
            session.handle(event)
        except StorageError as error:
            if Path(error.where).parent != self._paths.log:
                # Its weights or its log could not be written: it never came to a record.
                self._model.withdraw()
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
        self._do(strike, lambda: self._of().handle(lost))

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
        before = _files_of(self._paths.root)
        with pytest.raises(RunFolderError, match=f"E602 .*held by process {os.getpid()} on"):
            Session(self._plan, self._paths, Watcher()).__enter__()
        assert _files_of(self._paths.root) == before

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
                self._save(first, begun[0], 1)
            self._saved[begun[0].id] = self._saved.get(begun[0].id, {0}) | {1}
        segments = _files_of(self._paths.log)
        if begun and ends:
            with suppress(StorageError):
                first.handle(self._ended(begun[0]))
        self._account = Attempts(self._of().tries)
        with pytest.raises(StorageError, match=r"E605|E606"):
            first.__exit__(None, None, None)
        assert _files_of(self._paths.log) == segments, "a driver that lost its run has written to the log"

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
        assert [damage.path for damage in find_damage(self._paths)] == [path]
        segment = path.parent == self._paths.log
        if segment:
            for reader in (Run.open, self._entered):
                with pytest.raises(StorageError, match="E609"):
                    reader(self._paths.root)
            self._model.segments[int(path.stem) - 1] = [Lost()]
        self._model.note(Cleared(trials=() if segment else kept[path]))
        for strike in (*strikes, None):
            self._repair(strike)
        self._model.found(last_segment(self._paths.log))
        self._model.durable = len(self._model.segments)
        self._shown = self._model.told().done
        self._settle()

    def _repair(self, strike: Strike) -> None:
        if strike is not None and strike[0] == "reader":
            strike = None  # (who reads meanwhile is told of the damage)
        with interposed(self._struck(strike)), suppress(Killed):
            try:
                repair(self._paths)
            except StorageError as error:
                if strike is None:
                    raise AssertionError("a repair fails that nothing disturbs") from error

    @precondition(lambda self: self._session is None and self._model.segments)
    @rule()
    def spoil_the_plan(self) -> None:
        """Nothing stands in for it: all say so and leave the rest alone, until it is there again."""
        content = self._paths.plan.read_bytes()
        self._spoil(self._paths.plan, "flip")
        before = _files_of(self._paths.root)
        for call in (Run.open, lambda _: repair(self._paths), self._entered):
            with pytest.raises(RunFolderError, match="E608"):
                call(self._paths.root)
        assert [damage.kind for damage in find_damage(self._paths)] == [Kind.PLAN]
        assert _files_of(self._paths.root) == before
        self._paths.plan.write_bytes(content)
        self._keep_all()

    # What holds.

    def _spoil(self, path: Path, how: str) -> None:
        content = bytearray(path.read_bytes())
        if how == "gone":
            path.unlink()
        elif how == "cut":
            path.write_bytes(content[: len(content) // 2])
        else:
            content[len(content) // 3] ^= 4
            path.write_bytes(content)
        self._keep_all()

    def _keep_all(self) -> None:
        """What a disk does by itself is on the disk."""
        if self._disk is not None:
            self._disk.restart()

    def _entered(self, _root: Path) -> None:
        Session(self._plan, self._paths, Watcher()).__enter__()

    def _do(self, strike: Strike, call: Callable[[], object]) -> bool:
        """Carries out a step of a driver; returns whether it came to its end."""
        went_well = False
        with interposed(self._struck(strike)):
            try:
                call()
                went_well = True
            except Killed as killed:
                # The kernel closes what the dead had open, the lock among it; nothing else works for it any more.
                if self._session is not None:
                    with suppress(Killed):
                        self._session.__exit__(Killed, killed, None)
                self._gone()
            except (StorageError, ClusterError) as error:
                if isinstance(error, StorageError) and (strike is None or strike[0] != "disk"):
                    raise AssertionError("a driver fails that nothing disturbs") from error
                if self._session is not None:
                    self._leave(error)
                self._gone()
        self._settle(went_well=went_well)
        return went_well

    def _struck(self, strike: Strike) -> Callable[[int], None]:
        kind, at = strike or ("", 0)

        def look(number: int) -> None:
            if kind == "kill" and number >= at:
                raise Killed
            if kind == "disk" and number == at:
                raise OSError(errno.EIO, "Input/output error")
            if kind == "reader" and number == at and self._model.segments:
                self._read()

        return look

    def _leave(self, error: BaseException | None) -> None:
        session = self._of()
        if not isinstance(error, RuntimeError):
            self._model.seal()
            self._model.note(LeftInOrder())
        self._session = None
        session.__exit__(None if error is None else type(error), error, None)
        self._gone()

    def _gone(self) -> None:
        self._session, self._begun, self._left = None, [], []

    def _of(self) -> Session:
        assert self._session is not None
        return self._session

    def _show(self, _event: object, standing: Any) -> None:
        """What the screen shows as done is in the log, whatever happens from here on."""
        self._shown.update({trial: _said_by(record) for trial, record in standing.records.items()})

    def _settle(self, *, went_well: bool = False) -> None:
        self._model.found(last_segment(self._paths.log))
        if went_well:
            self._model.durable = len(self._model.segments)
        if self._disk is not None:
            del self._disk.states[:-1]
        if self._session is None:
            self._model.forget()
            self._look()

    def _look(self) -> None:
        """Nobody is at work: the log says what the model does, and all that it names is whole."""
        if not self._model.segments:
            return
        run, told = Run.open(self._paths.root), self._model.told()
        assert {trial: _said_by(record) for trial, record in run.records.items()} == told.done
        assert told.done.items() >= self._shown.items(), "what was shown as done is not done"
        ranked = [entry.trial for board in run.leaderboards for entry in board.entries]
        assert sorted(ranked) == sorted(run.records)
        found = find_damage(self._paths)
        # Tables and models are written anew by the next submit; a cut of the power may spoil them.
        assert not [damage for damage in found if damage.kind not in (Kind.TABLE, Kind.MODEL)], found
        assert self._was_cut or not found, found

    def _read(self) -> None:
        """Whoever reads, at any moment, sees whole records, and all that was shown by then."""
        records = Run.open(self._paths.root).records
        said = {trial: _said_by(record) for trial, record in records.items()}
        assert said.items() >= self._shown.items(), "a reader misses what was shown as done"
        assert said.items() <= self._model.known().items(), "a reader sees what nobody wrote"

    def _kept(self) -> dict[Path, tuple[str, ...]]:
        """The files of the weights that must be there -> their trials."""
        run = Run.open(self._paths.root)
        best = [entry.trial for entry in run.leaderboard.entries if entry.rank is not None][:2]
        kept: dict[Path, tuple[str, ...]] = {}
        for trial in sorted(best):
            path = self._paths.weights_file(run.records[trial].weights or "")
            if path.exists():
                kept[path] = (*kept.get(path, ()), trial)
        return kept


def _said_by(record: TrialRecord) -> str:
    return repr((record.failure is not None, {name: list(values) for name, values in record.history.items()}))


def _files_of(folder: Path) -> dict[str, bytes]:
    """The lock has the name of whoever holds it."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


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
