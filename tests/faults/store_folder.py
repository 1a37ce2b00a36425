"""StoreFolder: a run's folder that drivers are killed over, and what holds of it at any moment."""

from __future__ import annotations

import errno
import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from seqjobs.errors import ClusterError, StorageError
from seqjobs.execution.attempts import Attempts
from seqjobs.execution.executor import DatasetFacts
from seqjobs.execution.versions import versions
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.trial import Pack
from seqjobs.results import held_run
from seqjobs.results.damage import Kind, find_damage
from seqjobs.results.held_run import hold_run
from seqjobs.results.progress import Progress
from seqjobs.results.record import TrialRecord
from seqjobs.results.run import Run
from seqjobs.results.run_log import last_segment
from seqjobs.results.run_writer import RunWriter
from seqjobs.store import durable, lock
from seqjobs.store.run_store import RunStore
from tests.faults.operations import interposed
from tests.faults.power import Disk, recorded
from tests.faults.store_model import LeftInOrder, LogModel
from tests.faults.store_world import world
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import do, result

# What a disk keeps is the model's to say, and no test has to wait for one.
IN_MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
Strike = tuple[str, int] | None


class Killed(BaseException):
    """Stands for SIGKILL: no operation on a file works from here on."""


class Driver:
    """A submit, step by step: it holds the run, then begins and writes it."""

    def __init__(self, table: TrialTable, store: RunStore, progress: Progress) -> None:
        self._progress = progress
        self._stack = ExitStack()
        self._held = self._stack.enter_context(hold_run(table, store))
        self._writer: RunWriter | None = None

    def begin(self, facts: Mapping[str, DatasetFacts]) -> RunWriter:
        """Begin; on an error the driver is left by `leave`."""
        plan = self._held.plan(facts)
        self._writer = self._stack.enter_context(self._held.begin(plan, facts, self._progress))
        return self._writer

    def packs_left(self, facts: Mapping[str, DatasetFacts]) -> Sequence[Pack]:
        return self._held.packs_left(self._held.plan(facts))

    @property
    def writer(self) -> RunWriter:
        assert self._writer is not None
        return self._writer

    def leave(self, error: BaseException | None) -> None:
        self._stack.__exit__(None if error is None else type(error), error, None)


class StoreFolder(RuleBasedStateMachine):
    """One run folder. A strike is what happens at the n-th operation on a file of a rule: the driver is killed there,
    the disk fails there, or somebody reads the run there."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(dir=IN_MEMORY))
        self._paths = RunPaths(root=self._folder / "one")
        self._plan = world().plan
        self._patched = pytest.MonkeyPatch()
        self._patched.setattr(lock, "PATIENCE_SECONDS", 0.01)
        self._patched.setattr(held_run, "versions", functools.cache(versions))
        self._stack = ExitStack()
        self._disk: Disk | None = None
        self._model = LogModel()
        self._session: Driver | None = None
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
        assert set(run.records) == world().trial_ids
        assert find_damage(self._paths.store) == ()
        assert not list(self._paths.root.rglob(f"{durable.ASIDE_PREFIX}*"))
        assert not list(self._paths.checkpoints.glob("*"))

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
        hold_run(self._plan.table, self._paths.store).__enter__()

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
                        self._session.leave(killed)
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
        session.leave(error)
        self._gone()

    def _gone(self) -> None:
        self._session, self._begun, self._left = None, [], []

    def _of(self) -> Driver:
        assert self._session is not None
        return self._session

    def _show(self, _event: object, standing: Any) -> None:
        """What the screen shows as done is in the log, whatever happens from here on."""
        self._shown.update({trial: said_by(record) for trial, record in standing.records.items()})

    def _settle(self, *, went_well: bool = False) -> None:
        self._model.found(last_segment(self._paths.store))
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
        assert {trial: said_by(record) for trial, record in run.records.items()} == told.done
        assert told.done.items() >= self._shown.items(), "what was shown as done is not done"
        ranked = [entry.trial for board in run.leaderboards for entry in board.entries]
        assert sorted(ranked) == sorted(run.records)
        found = find_damage(self._paths.store)
        # Tables and models are written anew by the next submit; a cut of the power may spoil them.
        assert not [damage for damage in found if damage.kind not in (Kind.TABLE, Kind.MODEL)], found
        assert self._was_cut or not found, found

    def _read(self) -> None:
        """Whoever reads, at any moment, sees whole records, and all that was shown by then."""
        records = Run.open(self._paths.root).records
        said = {trial: said_by(record) for trial, record in records.items()}
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


def said_by(record: TrialRecord) -> str:
    return repr((record.failure is not None, {name: list(values) for name, values in record.history.items()}))


def files_of(folder: Path) -> dict[str, bytes]:
    """The lock has the name of whoever holds it."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
