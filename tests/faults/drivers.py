"""Drivers: submits with the fake runner in processes of their own, forked from one that has imported all they need."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from seqjobs.errors import SeqjobsError
from seqjobs.execution.events import Event
from seqjobs.results.progress import Standing
from tests.faults.operations import interposed
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import Watcher, do

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.faults.drivers"])
_INTERPOSED = ExitStack()


@dataclass(frozen=True, kw_only=True)
class Driver:
    """One submit of a spec as the run `root`. What it shows as done it notes in the file `shown`, a line a trial."""

    spec: Path
    root: Path
    shown: Path
    notes: Path
    """The trainings that were begun, see `StartFake`."""
    die_at: int = 0
    """Kills itself with SIGKILL before that operation on a file; 0: never."""
    epoch_seconds: float = 0.0
    answer: Path | None = None
    """Where the error goes that ended it, if one did."""

    def start(self) -> BaseProcess:
        process = _PROCESSES.Process(target=self.submit)
        process.start()
        return process

    def submit(self) -> None:
        if self.die_at:
            _die_at(self.die_at)
        seen: set[str] = set()

        def look(_event: Event, standing: Standing) -> None:
            new = sorted(set(standing.records) - seen)
            seen.update(new)
            with self.shown.open("a") as file:
                file.write("".join(f"{trial_id}\n" for trial_id in new))

        start = StartFake(notes=self.notes, epoch_seconds=self.epoch_seconds)
        try:
            do(plan_of(self.spec), self.root, start=start, watcher=Watcher(look))
        except SeqjobsError as error:
            if self.answer is not None:
                self.answer.write_text(str(error))
            raise SystemExit(error.exit_code) from None


def _die_at(number: int) -> None:
    def look(at: int) -> None:
        if at == number:
            os.kill(os.getpid(), signal.SIGKILL)

    _INTERPOSED.enter_context(interposed(look))
