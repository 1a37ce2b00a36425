"""KeptFolder: where a user's kept cluster writes down how it is reached; nobody else may look in."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, Self, final

from seqjobs.errors import ClusterError
from seqjobs.store import durable

FORMAT = 1

# Also where the home folder is a file, or another user's that cannot be entered: as of daemons, and under `sudo`.
_ABSENT = (FileNotFoundError, NotADirectoryError, PermissionError)


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """A process, told from a later one of its number by the clock tick, after which boot, at which it began.

    The time of day at which it began would not do: that of the boot moves whenever the clock is set.
    """

    pid: int
    tick: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """Raises OSError where there is no such process."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # The name, in brackets, may hold anything. `man proc_pid_stat`: the tick is field 22, the state field 3.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] in ("Z", "X"):
            raise ProcessLookupError(f"process {pid} has ended")
        return cls(pid=pid, tick=int(fields[19]), boot=boot)

    def is_alive(self) -> bool:
        try:
            return self == ProcessId.of(self.pid)
        except OSError:
            return False


@dataclass(frozen=True, kw_only=True)
class KeptState:
    """What is written down of a cluster that is kept."""

    keeper: ProcessId
    address: str
    fingerprint: str
    since: str
    """The moment it was up, as ISO 8601 in UTC."""
    idle_seconds: float
    """How long it waits for a submit before it ends."""


@final
class KeptFolder:
    """The files of one user's kept cluster, of which there is at most one. Making it touches nothing."""

    def __init__(self, root: Path | None = None) -> None:
        """Raise ClusterError E526 if no root is given and the user has no home folder."""
        self.root = root or state_home() / "seqjobs" / "kept"
        self.state = self.root / "state.json"
        self.token = self.root / "token"
        self.socket = self.root / "socket"
        self.log = self.root / "keeper.log"
        self.lock = self.root / "lock"

    @classmethod
    def find(cls) -> Self | None:
        """Return the user's folder, or None for a user without a home folder, who cannot have a kept cluster."""
        try:
            return cls()
        except ClusterError:
            return None

    def make(self) -> None:
        """Creates what is missing. Raises ClusterError E512, StorageError."""
        with durable.reported("the folder of the warm cluster cannot be created", self.root):
            durable.make_folder(self.root)
        self.check()

    def check(self) -> None:
        """Raises ClusterError E512 where others could read or change what is in here."""
        for path, kind in ((self.root, stat.S_ISDIR), (self.state, stat.S_ISREG), (self.token, stat.S_ISREG)):
            with contextlib.suppress(*_ABSENT):
                found = path.lstat()
                if found.st_uid != os.geteuid():
                    self._refuse(path, f"this belongs to user {found.st_uid}, not to you")
                if not kind(found.st_mode):
                    self._refuse(path, "seqjobs did not make this file or folder")
                if found.st_mode & 0o077:
                    self._refuse(path, f"other users can access this (mode {stat.S_IMODE(found.st_mode):o})")

    def read(self) -> KeptState | None:
        """What is written down, whether it still holds or not; None where nothing is. Raises ClusterError E512."""
        self.check()
        try:
            written = json.loads(self.state.read_bytes())
        except _ABSENT:
            return None
        except (OSError, ValueError):
            self._refuse(self.state, "this cannot be read")
        state = _state_of(written)
        if state is None:
            self._refuse(self.state, "this was written by another version of seqjobs")
        return state

    def write(self, state: KeptState) -> None:
        """Raises FileExistsError where another cluster is written down."""
        durable.create_once(self.state, json.dumps({"format": FORMAT, **asdict(state)}).encode())

    def clear(self) -> None:
        """Removes what belongs to a cluster that is gone; its log stays."""
        for path in (self.state, self.token, self.socket):
            path.unlink(missing_ok=True)
        durable.remove_asides(self.root)

    def _refuse(self, path: Path, what: str) -> NoReturn:
        fix = f"inspect it; if no warm cluster of yours is running, remove {self.root}."
        raise ClusterError("E512", what, where=str(path), fix=fix)


def _state_of(written: Any) -> KeptState | None:
    try:
        fields = dict(written)
        if fields.pop("format") != FORMAT:
            return None
        return KeptState(**{**fields, "keeper": ProcessId(**fields["keeper"])})
    except (TypeError, ValueError, KeyError):
        return None


def state_home() -> Path:
    """Return `XDG_STATE_HOME`, which counts only if it is absolute, or `~/.local/state`. Raises ClusterError E526."""
    given = os.environ.get("XDG_STATE_HOME", "")
    if given.startswith("/"):
        return Path(given)
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError as error:
        what = f"user {os.geteuid()} has no home folder, in which the files of a warm cluster would be"
        fix = "set XDG_STATE_HOME to the absolute path of a folder of yours, or use `seqjobs submit` without `up`."
        raise ClusterError("E526", what, fix=fix) from error
