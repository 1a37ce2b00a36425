"""interruption: a signal ends a run in order, and the process with the command that resumes it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, final

from seqjobs.cli.exits import ExitCode, Leave
from seqjobs.cli.streams import say_now
from seqjobs.execution.stopping import StopRequest

# The sender of SIGTERM kills what is left after a while: Kubernetes after 30 s, and `seqjobs down --force` after 20.
GRACE_SECONDS = 15.0
FIRST_NOTICE = "stopping; press Ctrl-C again to end now"


class Terminated(KeyboardInterrupt):
    """SIGTERM, which then cleans up as Ctrl-C does."""


@contextmanager
def interruption(
    advice: Callable[[], str], stop: StopRequest, notice: Callable[[str], None] = say_now
) -> Iterator[None]:
    """Make the first Ctrl-C, and SIGTERM, end the run in order; make a second Ctrl-C end the process at once.

    In order: what trains is saved, what ended is committed, workers are given back; then Leave is raised with the text
    of `advice`. SIGTERM gives all of this GRACE_SECONDS. At once: nothing more is committed, and the workers die with
    this process. SIGHUP, of a terminal that was closed, is ignored, here and in child processes.

    Args:
        advice: Returns how to resume the run, at the time of the call.
        stop: The request that the run looks at while trials train.
        notice: Shows a line; a signal handler calls it, so it must neither wait nor take a lock.
    """
    signals = _Signals(advice, stop, notice)
    handlers: dict[signal.Signals, Callable[[int, FrameType | None], None] | signal.Handlers] = {
        signal.SIGINT: signals.interrupt,
        signal.SIGTERM: signals.terminate,
        signal.SIGHUP: signal.SIG_IGN,
    }
    # A signal that is ignored at first stays ignored: as SIGINT of what a script starts in the background.
    wanted = {number: handler for number, handler in handlers.items() if signal.getsignal(number) != signal.SIG_IGN}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    except KeyboardInterrupt as error:
        raise Leave(signals.code, advice()) from error
    except SystemExit as error:
        # ray.init replaces our handler by its own: `sys.exit(signum)` (ray/_private/worker.py).
        if error.code == signal.SIGTERM:
            raise Leave(ExitCode.TERMINATED, advice()) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@final
class _Signals:
    """The signals that came so far, and what follows from them."""

    def __init__(self, advice: Callable[[], str], stop: StopRequest, notice: Callable[[str], None]) -> None:
        self._advice = advice
        self._stop = stop
        self._notice = notice
        self._is_ending = False
        self.code = ExitCode.INTERRUPTED

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_ending:
            self._leave_at_once()
        self._is_ending = True
        self._notice(FIRST_NOTICE)
        if not self._stop.request():
            raise KeyboardInterrupt

    def terminate(self, _number: int, _frame: FrameType | None) -> None:
        if self.code is ExitCode.TERMINATED:
            return
        self.code = ExitCode.TERMINATED
        timer = threading.Timer(GRACE_SECONDS, self._leave_at_once)
        timer.daemon = True
        timer.start()
        if self._is_ending:
            return
        self._is_ending = True
        if not self._stop.request():
            raise Terminated

    def _leave_at_once(self) -> NoReturn:
        """End as SIGKILL would, but with the exit code and the advice of an end in order."""
        say_now(self._advice(), ends_drawing=True)
        os._exit(self.code)
