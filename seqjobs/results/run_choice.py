"""RunChoice: which run a submit works on, if several are possible."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self, final

from seqjobs.errors import NotFoundError, RunFolderError
from seqjobs.errors.printable import printable
from seqjobs.execution.executor import DatasetFacts
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.plan import Plan
from seqjobs.results.held_run import HeldRun, hold_run
from seqjobs.store.run_store import RunStore
from seqjobs.store.runs_folder import RunsFolder

HELD, REMOVED = "E602", "E611"
WHY_NOT_RESUMED = {"E421": "its data has changed since it began", "E603": "another version of seqjobs began it"}


@final
class RunChoice:
    """Resumes the first of the unfinished runs that can be, or else works on the last resort.

    A run is taken by its lock alone: an unfinished run that another process holds is left to it, and so is one that
    another process has finished or removed meanwhile. Leaving gives up the run.
    """

    def __init__(
        self,
        table: TrialTable,
        unfinished: Iterable[RunStore],
        last_resort: Callable[[], RunStore],
        notify: Callable[[str], None] = lambda _: None,
        *,
        new_in: RunsFolder | None = None,
        retry_failed: bool = False,
    ) -> None:
        """If the last resort is made for this submit, it is made in `new_in`, and removed if no run begins in it.

        `retry_failed` is as of `hold_run`.
        """
        self._table = table
        self._unfinished = unfinished
        self._last_resort = last_resort
        self._notify = notify
        self._new_in = new_in
        self._retry_failed = retry_failed
        self._is_last = False
        self._holds = contextlib.ExitStack()
        self.store: RunStore
        """The run that was opened last."""

    def __enter__(self) -> Self:
        self._unfinished = iter(self._unfinished)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holds.__exit__(kind, error, trace)
        if self._is_last and self._new_in is not None:
            self._new_in.remove_unused(self.store)

    def open(self) -> HeldRun:
        """Return the next possible run, which is held.

        Raises:
            NotFoundError: If failed trials are to be trained again, and no run has any.
            RunFolderError: If the last resort is held, or was created from another spec.
            StorageError: If a folder cannot be used.
        """
        for store in self._unfinished:
            try:
                held = self._hold(store, must_exist=True)
            except (NotFoundError, RunFolderError) as error:
                if error.code not in (HELD, REMOVED):
                    raise
                continue
            if not held.is_finished:
                hint = "" if self._retry_failed else " (pass --new to start another)"
                self._notify(f"resuming run {printable(store.name)}{hint}")
                return held
            self._holds.close()
        self._is_last = True
        return self._hold(self._last_resort(), must_exist=self._retry_failed)

    def plan(self, held: HeldRun, facts: Mapping[str, DatasetFacts]) -> tuple[HeldRun, Plan]:
        """Return the run with its plan, once the data is known; the next run if this one cannot be resumed.

        Raises RunFolderError E421 or E603 if that is so in the last resort, SpecError if data and models do not fit.
        """
        while True:
            try:
                return held, held.plan(facts)
            except RunFolderError as error:
                if self._is_last or error.code not in WHY_NOT_RESUMED:
                    raise
                name = printable(self.store.name)
                self._notify(f"run {name} cannot be resumed: {WHY_NOT_RESUMED[error.code]}")
            self._holds.close()
            held = self.open()

    def tell_finished(self) -> None:
        """Say that the run that was opened last is finished."""
        self._notify(f"run {printable(self.store.name)} is finished: nothing was trained")

    def _hold(self, store: RunStore, *, must_exist: bool) -> HeldRun:
        self.store = store
        hold = hold_run(self._table, store, must_exist=must_exist, retry_failed=self._retry_failed)
        return self._holds.enter_context(hold)
