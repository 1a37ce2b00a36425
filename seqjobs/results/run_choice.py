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
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.progress import Progress
from seqjobs.results.run_folders import remove_if_not_begun
from seqjobs.results.session import Session

HELD, REMOVED = "E602", "E611"
WHY_NOT_RESUMED = {"E421": "its data has changed since it began", "E603": "another version of seqjobs began it"}


@final
class RunChoice:
    """Resumes the first of the unfinished runs that can be, or else works on the last resort.

    A run is taken by its lock alone: an unfinished run that another process holds is left to it, and so is one that
    another process has finished or removed meanwhile. Leaving ends the session.
    """

    def __init__(
        self,
        table: TrialTable,
        progress: Progress,
        unfinished: Iterable[RunPaths],
        last_resort: Callable[[], RunPaths],
        notify: Callable[[str], None] = lambda _: None,
        *,
        is_new: bool = False,
        retry_failed: bool = False,
    ) -> None:
        """`is_new` says that the last resort is a folder made for this submit; it is removed if no run begins in it.

        `retry_failed` is as of Session.
        """
        self._table = table
        self._progress = progress
        self._unfinished = unfinished
        self._last_resort = last_resort
        self._notify = notify
        self._is_new = is_new
        self._retry_failed = retry_failed
        self._is_last = False
        self._sessions = contextlib.ExitStack()
        self.paths: RunPaths
        """The run that was opened last."""

    def __enter__(self) -> Self:
        self._unfinished = iter(self._unfinished)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sessions.__exit__(kind, error, trace)
        if self._is_last and self._is_new:
            remove_if_not_begun(self.paths)

    def open(self) -> Session:
        """Return the session of the next possible run, which holds its lock.

        Raises:
            NotFoundError: If failed trials are to be trained again, and no run has any.
            RunFolderError: If the last resort is held, or was created from another spec.
            StorageError: If a folder cannot be used.
        """
        for paths in self._unfinished:
            try:
                session = self._enter(paths, must_exist=True)
            except (NotFoundError, RunFolderError) as error:
                if error.code not in (HELD, REMOVED):
                    raise
                continue
            if not session.is_finished:
                hint = "" if self._retry_failed else " (pass --new to start another)"
                self._notify(f"resuming run {printable(paths.root.name)}{hint}")
                return session
            self._sessions.close()
        self._is_last = True
        return self._enter(self._last_resort(), must_exist=self._retry_failed)

    def examined(self, session: Session, facts: Mapping[str, DatasetFacts]) -> Session:
        """Return the session once the data has been compared with its run; of the next run if it cannot be resumed.

        Raises RunFolderError E421 or E603 if that is so in the last resort, SpecError if data and models do not fit.
        """
        while True:
            try:
                session.examine(facts)
            except RunFolderError as error:
                if self._is_last or error.code not in WHY_NOT_RESUMED:
                    raise
                name = printable(self.paths.root.name)
                self._notify(f"run {name} cannot be resumed: {WHY_NOT_RESUMED[error.code]}")
            else:
                return session
            self._sessions.close()
            session = self.open()

    def tell_finished(self) -> None:
        """Say that the run that was opened last is finished."""
        self._notify(f"run {printable(self.paths.root.name)} is finished: nothing was trained")

    def _enter(self, paths: RunPaths, *, must_exist: bool) -> Session:
        self.paths = paths
        session = Session(self._table, paths, self._progress, retry_failed=self._retry_failed)
        self._sessions.enter_context(session)
        if must_exist and session.is_new:
            # `seqjobs rm` was faster than the session, which has made the folder again.
            self._sessions.close()
            remove_if_not_begun(paths)
            what, fix = "this run was removed at this moment", "see `seqjobs ls`."
            raise NotFoundError(REMOVED, what, where=str(paths.root), fix=fix)
        return session
