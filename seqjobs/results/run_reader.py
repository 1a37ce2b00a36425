"""RunReader: follows a run, also one that another process is writing."""

from __future__ import annotations

from functools import cached_property
from typing import final

from seqjobs.results.log_reader import LogReader
from seqjobs.results.manifest import Manifest, read_manifest
from seqjobs.results.run import Run
from seqjobs.results.run_log import Record
from seqjobs.store.run_store import RunStore


@final
class RunReader:
    """Reads only what is new since its last look. All of it raises NotFoundError, RunFolderError or StorageError."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def read_new(self) -> list[Record]:
        """Return the records that were committed since the last look, in order; each one once."""
        return self._log.read_new()

    def refresh(self) -> Run:
        """Return the run as it is now."""
        is_held = self._store.is_held()
        self._log.read()
        return Run(self._manifest, self._log.state(), self._store, is_held)

    @cached_property
    def _manifest(self) -> Manifest:
        return read_manifest(self._store)

    @cached_property
    def _log(self) -> LogReader:
        return LogReader(self._store, (trial.id for trial in self._manifest.trials))
