"""ExitCode and Leave: how a command says that it did not simply succeed."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitCode(IntEnum):
    """What the process leaves with; scripts may rely on it."""

    DONE = 0
    """Everything asked for is done."""
    SOME_FAILED = 1
    """Some trials failed, others have a result."""
    WRONG_INPUT = 2
    """The command line or a spec cannot be run as written."""
    NONE_SUCCEEDED = 3
    """Every trial failed."""
    LOST = 4
    """The cluster or the storage failed; the same command goes on."""
    NOT_FOUND = 5
    """There is no such run, trial or log."""
    OUT_OF_TIME = 6
    """`limits.run_time` is over and trials are left; the same command goes on."""
    BUG = 70
    """An error that seqjobs did not foresee (EX_SOFTWARE of sysexits.h)."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it: 128 + SIGINT."""
    BROKEN_PIPE = 141
    """Who reads the output went away, as in `| head`: 128 + SIGPIPE."""
    TERMINATED = 143
    """SIGTERM, as shells count it."""


class Leave(click.ClickException):
    """Ends the process with a code, and with a message on stderr if there is one."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc] # Click reads it from the instance too

    def show(self, file: object = None) -> None:  # noqa: ARG002 - Click's signature
        """Prints the message as it is: it is a complete sentence, or lines of a spec's mistakes."""
        if self.message:
            click.echo(self.message, err=True)
