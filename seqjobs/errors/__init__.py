"""The errors a user can meet: each says what is wrong, where, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable


class SeqjobsError(Exception):
    """The base of every error that seqjobs raises on purpose; `exit_code` is what the command line leaves with."""

    exit_code = 2

    def __init__(self, code: str, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(code, what, where, fix)
        self.code = code
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        where = f" {self.where}:" if self.where else ""
        fix = f" Fix: {self.fix}" if self.fix else ""
        return f"{self.code}{where} {self.what}.{fix}"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders by pickle, which calls the class with `args` alone.
        return _rebuild, (type(self), self.code, self.what, self.where, self.fix)


def _rebuild(kind: type[SeqjobsError], code: str, what: str, where: str, fix: str) -> SeqjobsError:
    return kind(code, what, where=where, fix=fix)


class SpecError(SeqjobsError, ValueError):
    """A spec that cannot be run; `lines` has one formatted line per mistake found."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__(self.lines[0].split(" ", 1)[0], "\n".join(self.lines))

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __reduce__(self) -> tuple[object, ...]:
        return SpecError, (self.lines,)


class DataError(SeqjobsError, ValueError):
    """Data that cannot be read, or does not fit what the spec says of it (codes E4xx)."""


class RunFolderError(SeqjobsError, ValueError):
    """A run folder that cannot serve this command: in use, of another spec, not ours (codes E6xx)."""


class StorageError(SeqjobsError, OSError):
    """Storage that failed while a run was writing; the same command resumes."""

    exit_code = 4


class ClusterError(SeqjobsError, RuntimeError):
    """A Ray cluster that could not be reached or was lost; the same command resumes."""

    exit_code = 4


class OutOfTimeError(SeqjobsError, TimeoutError):
    """A run whose `limits.run_time` was over before it could train; the same command goes on."""

    exit_code = 6


class NotFoundError(SeqjobsError, LookupError):
    """A run, trial or log that does not exist."""

    exit_code = 5
