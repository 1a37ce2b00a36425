"""in_child: commands that read data files run in a child process, whose death is an answer."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import click

from seqjobs.cli.exits import ExitCode
from seqjobs.data.reading_note import ReadingNote, note_in, reader_died
from seqjobs.errors import DataError
from seqjobs.errors.out_of_memory import describe_address_limit, is_limit_too_low, out_of_memory

STDERR = 2
_READERS = frozenset({"fsck", "init", "plan", "predict"})
# What a shell or a scheduler sends to one process of a command, and not to all of them as Ctrl-C.
_FORWARDED = (signal.SIGTERM, signal.SIGHUP)
_HELD = (signal.SIGINT, *_FORWARDED)
# What a process of glibc ends with if there is no memory for a new thread's data.
_LOADER_FAILED = 127
# Of linux/prctl.h.
_PR_SET_PDEATHSIG = 1


def reads_data(arguments: Sequence[str]) -> bool:
    """Whether a command reads data files in its own process."""
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    return command in _READERS or (command == "submit" and "--dry-run" in arguments)


def in_child(run: Callable[[], None]) -> None:
    """Call `run` in a forked child, and leave with the exit code of the child.

    If the child dies while it reads a file, one message names the file. Forking costs little here: nothing large is
    imported yet, and there are no threads.
    """
    if is_limit_too_low():
        click.echo(out_of_memory(), err=True)
        sys.exit(ExitCode.LOST)
    note, noise = ReadingNote.shared(), _unnamed_file()
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _become_child(parent, note, noise)
        run()
        return
    sys.exit(_exit_code(child, note, noise))


def _become_child(parent: int, note: ReadingNote, noise: IO[bytes]) -> None:
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - the parent does not need it

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before
        os._exit(128 + signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What C++ prints as it ends a process goes where the parent can hold it back.
    errors = os.fdopen(os.dup(STDERR), "w", buffering=1, encoding=sys.stderr.encoding, errors=sys.stderr.errors)
    os.dup2(noise.fileno(), STDERR)
    sys.stderr = errors
    note_in(note)


def _exit_code(child: int, note: ReadingNote, noise: IO[bytes]) -> int:
    """Wait for the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child gets it too, and ends in order
    for number in _FORWARDED:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda received, _: os.kill(child, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        _remove_what_it_wrote(child)
    if -code in (signal.SIGPIPE, *_HELD):  # somebody wanted it to end
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    if code < 0 and note.file:
        click.echo(str(reader_died(note.file, signal.Signals(-code).name)), err=True)
        return DataError.exit_code
    noise.seek(0)
    with contextlib.suppress(OSError):
        os.write(STDERR, noise.read())
    if code == _LOADER_FAILED:
        click.echo(out_of_memory(), err=True)
        return ExitCode.LOST
    if code < 0:
        click.echo(f"the process was ended by {signal.Signals(-code).name}{describe_address_limit()}.", err=True)
        return 128 - code
    return code


def _remove_what_it_wrote(child: int) -> None:
    """Remove files that the child had not published yet, next to all files that its arguments name."""
    from seqjobs.store import durable  # noqa: PLC0415 - every start would pay for it

    for folder in {Path(argument.removeprefix("--out=")).parent for argument in sys.argv[1:]}:
        durable.remove_asides(folder, of=child)


def _unnamed_file() -> IO[bytes]:
    """Return a file that goes with the last process that has it open."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "r+b")
    import tempfile  # noqa: PLC0415 - Linux does without it

    return tempfile.TemporaryFile()
