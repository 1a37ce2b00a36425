"""The errors a user can meet: each says what is wrong, where, and how to fix it, and ends with its code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from seqjobs.errors.message import message

if TYPE_CHECKING:
    from seqjobs.errors.problems import Problem


class SeqjobsError(Exception):
    """The base of every error that seqjobs raises on purpose; `exit_code` is the exit code of the command line."""

    exit_code = 2

    def __init__(self, code: str, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(code, what, where, fix)
        self.code = code
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return where + message(self.what, fix=self.fix, code=self.code)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders by pickle, which calls the class with `args` alone.
        return _rebuild, (type(self), self.code, self.what, self.where, self.fix)


def _rebuild(kind: type[SeqjobsError], code: str, what: str, where: str, fix: str) -> SeqjobsError:
    return kind(code, what, where=where, fix=fix)


class SpecError(SeqjobsError, ValueError):
    """Specs that cannot be run. Every problem has its place; `code`, `what`, `where` and `fix` are the first one's."""

    max_shown: ClassVar[int] = 20
    """Lines per file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        # Several trials or jobs may have the same problem.
        self.problems = tuple({problem.line(): problem for problem in problems}.values())
        first = self.problems[0]
        super().__init__(first.code, first.what, where=first.place, fix=first.fix)

    @property
    def codes(self) -> tuple[str, ...]:
        """The code of each problem, in the order of the problems."""
        return tuple(problem.code for problem in self.problems)

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per problem, at most `max_shown` per file; a last line counts the others."""
        per_file: Counter[str] = Counter()
        lines: list[str] = []
        for problem in self.problems:
            per_file[problem.file] += 1
            if per_file[problem.file] <= self.max_shown:
                lines.append(problem.line())
        hidden = len(self.problems) - len(lines)
        return (*lines, f"... and {hidden:,} more") if hidden else tuple(lines)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __reduce__(self) -> tuple[object, ...]:
        return SpecError, (self.problems,)


class DataError(SeqjobsError, ValueError):
    """Data that cannot be read, or does not match the spec (codes E4xx)."""


class RunFolderError(SeqjobsError, ValueError):
    """A run folder that this command cannot use: in use, of another spec, or no run (codes E6xx)."""


class StorageError(SeqjobsError, OSError):
    """Storage that failed while a run was writing; the same command resumes."""

    exit_code = 4


class ClusterError(SeqjobsError, RuntimeError):
    """A Ray cluster that could not be reached or was lost; the same command resumes."""

    exit_code = 4


class OutOfTimeError(SeqjobsError, TimeoutError):
    """A run whose `limits.run_time` ended before training began; the same command resumes."""

    exit_code = 6


class UnforeseenError(SeqjobsError, RuntimeError):
    """An error that seqjobs did not foresee, which is a bug; see `errors.unforeseen`. `trace` is its traceback."""

    exit_code = 70

    def __init__(self, what: str, *, where: str = "", trace: str = "") -> None:
        fix = "report it with the traceback. The same command is likely to end in the same way."
        super().__init__("E529", what, where=where, fix=fix)
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return _unforeseen, (self.what, self.where, self.trace)


def _unforeseen(what: str, where: str, trace: str) -> UnforeseenError:
    return UnforeseenError(what, where=where, trace=trace)


class NotFoundError(SeqjobsError, LookupError):
    """A run, trial or log that does not exist."""

    exit_code = 5
