"""ExitCode and Leave: how a command reports that it did not simply succeed."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitCode(IntEnum):
    """The exit code of the process; scripts may rely on it."""

    DONE = 0
    """Everything that was requested is done."""
    SOME_FAILED = 1
    """Some trials failed, others have a result."""
    WRONG_INPUT = 2
    """The command line or a spec cannot be run as written."""
    NONE_SUCCEEDED = 3
    """Every trial failed."""
    LOST = 4
    """The cluster or the storage failed; the same command resumes."""
    NOT_FOUND = 5
    """The run, the trial or the log does not exist."""
    OUT_OF_TIME = 6
    """`limits.run_time` is over and trials are left; the same command resumes."""
    BUG = 70
    """An error that seqjobs did not foresee (EX_SOFTWARE of sysexits.h)."""
    INTERRUPTED = 130
    """Ctrl-C: 128 + SIGINT, as in shells."""
    BROKEN_PIPE = 141
    """The reader of the output is gone, as in `| head`: 128 + SIGPIPE."""
    TERMINATED = 143
    """SIGTERM: 128 + SIGTERM, as in shells."""


class Leave(click.ClickException):
    """Ends the process with an exit code, and with a message on stderr if there is one."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc] # Click reads it from the instance too

    def show(self, file: object = None) -> None:  # noqa: ARG002 - Click's signature
        """Print the message as it is: a complete sentence, or the lines of a spec's mistakes."""
        if self.message:
            click.echo(self.message, err=True)
