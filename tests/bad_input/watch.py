"""The effects of a process on files, processes and hosts, as Python's own audit events report them."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import seqjobs

# https://docs.python.org/3/library/audit_events.html; a name with a dot at its end means all that begin with it.
ACTS = (
    *("ctypes.", "ftplib.", "http.", "shutil.", "smtplib.", "socket.", "subprocess.", "tempfile.", "urllib."),
    *("webbrowser.",),
    *("os.exec", "os.fork", "os.forkpty", "os.kill", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"),
    *("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"),
    *("os.putenv", "os.unsetenv", "os.utime", "pickle.find_class"),
)
HEAVY = frozenset({"tensorflow", "keras", "ray", "torch", "jax", "pyarrow", "numpy", "pandas"})
_MODULES = (
    *{sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    str(Path(seqjobs.__file__).parent),
)


class Watch:
    """Records effects while it is looking. A process cannot remove a hook: make only one of these."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._looking = False
        self._allowed: frozenset[str] = frozenset()
        sys.addaudithook(self._hook)

    @contextmanager
    def looking(self, *allowed: Path) -> Iterator[None]:
        """Allow reading these files and importing small modules, and record anything else."""
        self._allowed = frozenset(map(str, allowed))
        self._looking = True
        try:
            yield
        finally:
            self._looking = False

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._looking and self._is_act(event, arguments):
            self.seen.append(f"{event} {str(arguments)[:200]}")

    def _is_act(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "open":
            path, mode, _ = arguments
            return mode not in ("r", "rb") or not (_is_module(path) or str(path) in self._allowed)
        if event == "import":
            return arguments[0].partition(".")[0] in HEAVY
        if event == "compile":
            return not _is_module(arguments[1])
        if event == "exec":
            return not (isinstance(arguments[0], CodeType) and _is_module(arguments[0].co_filename))
        return any(event == act or (act.endswith(".") and event.startswith(act)) for act in ACTS)


def _is_module(path: object) -> bool:
    return str(path).startswith(_MODULES) and str(path).endswith((".py", ".pyc", ".so"))
