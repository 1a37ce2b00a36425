"""interruption: a signal ends a run tidily, and the process with a word on how to go on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from seqjobs.cli.exits import ExitCode, Leave


class Terminated(KeyboardInterrupt):
    """SIGTERM, which then cleans up as Ctrl-C does."""


@contextmanager
def interruption(advice: Callable[[], str]) -> Iterator[None]:
    """Within it SIGTERM and Ctrl-C raise Leave, with the text that `advice` gives then."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt as error:
        code = ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED
        raise Leave(code, advice()) from error
    except SystemExit as error:
        # ray.init puts a handler of its own in place of ours: `sys.exit(signum)` (ray/_private/worker.py).
        if error.code == signal.SIGTERM:
            raise Leave(ExitCode.TERMINATED, advice()) from error
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
