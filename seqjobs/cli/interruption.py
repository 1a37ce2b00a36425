"""interruption: a signal ends a run tidily, and the process with a word on how to go on."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, final

from seqjobs.cli.exits import ExitCode, Leave
from seqjobs.execution.stopping import StopWish

# Who sends SIGTERM kills what is left after a while: Kubernetes after 30 s, and `seqjobs down --force` after 20.
GRACE_SECONDS = 15.0


class Terminated(KeyboardInterrupt):
    """SIGTERM, which then cleans up as Ctrl-C does."""


@contextmanager
def interruption(advice: Callable[[], str], stop: StopWish) -> Iterator[None]:
    """Within it SIGTERM and Ctrl-C raise Leave, with the text that `advice` gives then, once all is cleaned up.

    What trains is asked first to be saved, by `stop`. Each Ctrl-C more waits for one thing less: for what trains, for
    the workers to be gone, for what must be written; and SIGTERM for no longer than GRACE_SECONDS for all of it.
    SIGHUP, of a terminal that was closed, is ignored, here and in the processes started.
    """
    signals = _Signals(advice, stop)
    handlers: dict[signal.Signals, Callable[[int, FrameType | None], None] | signal.Handlers] = {
        signal.SIGINT: signals.interrupt,
        signal.SIGTERM: signals.terminate,
        signal.SIGHUP: signal.SIG_IGN,
    }
    # What is ignored when it begins stays so: as SIGINT of what a script puts in the background.
    wanted = {number: handler for number, handler in handlers.items() if signal.getsignal(number) != signal.SIG_IGN}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    except KeyboardInterrupt as error:
        if signals.is_urgent:
            signals.leave_at_once()
        raise Leave(signals.code, advice()) from error
    except SystemExit as error:
        # ray.init puts a handler of its own in place of ours: `sys.exit(signum)` (ray/_private/worker.py).
        if error.code == signal.SIGTERM:
            raise Leave(ExitCode.TERMINATED, advice()) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@final
class _Signals:
    """What came so far, and what follows from it."""

    def __init__(self, advice: Callable[[], str], stop: StopWish) -> None:
        self._advice = advice
        self._stop = stop
        self._waits = False  # for what trains to be saved
        self._cuts = 0  # how often somebody did not want to wait any longer
        self.code = ExitCode.INTERRUPTED

    @property
    def is_urgent(self) -> bool:
        """Whether somebody does not want to wait for Ray to end: it does so by itself."""
        return self._cuts > 1

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        is_heeded = self._stop.ask()
        if is_heeded and not self._waits:
            self._waits = True
            _say("stopping when the epochs under way have ended; Ctrl-C once more does not wait for them.")
            return
        if self._waits and not is_heeded and not self._cuts:
            self._cuts = 1  # that wait is over by itself, and the workers are being ended
        self._cuts += 1
        if self._cuts > 2:
            self.leave_at_once()
        if self._cuts == 1:
            _say("stopping; Ctrl-C once more does not wait for the workers.")
        raise KeyboardInterrupt

    def terminate(self, _number: int, _frame: FrameType | None) -> None:
        if self.code is ExitCode.TERMINATED:
            return
        self.code = ExitCode.TERMINATED
        timer = threading.Timer(GRACE_SECONDS, self.leave_at_once)
        timer.daemon = True
        timer.start()
        if self._stop.ask():
            self._waits = True
            return
        raise Terminated

    def leave_at_once(self) -> NoReturn:
        """As SIGKILL would, with the code and the word of one who leaves in order."""
        _say(self._advice())
        os._exit(self.code)


def _say(text: str) -> None:
    """Past the stream's buffer, which whoever was interrupted may be writing to."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode(errors="replace"))
