"""JSON lines between processes of one user, over a socket in a folder that only they may enter."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self, final

Message = Mapping[str, Any]

_LONGEST_LINE = 2**20


@final
class Connection:
    """One end of a connection. Closed by the kernel, at the latest, when its process ends."""

    def __init__(self, ends: socket.socket) -> None:
        self._socket = ends
        self._unread = b""

    @classmethod
    def to(cls, path: Path, *, timeout_seconds: float) -> Self:
        """Raises OSError where nobody listens."""
        ends = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            ends.settimeout(timeout_seconds)
            with _short(path) as name:
                ends.connect(name)
        except BaseException:
            ends.close()
            raise
        return cls(ends)

    def ask(self, **question: Any) -> Message:
        """Sends a message and waits for the one in reply. Raises OSError, ConnectionError among them."""
        self.send(question)
        while True:
            for answer in self.received():
                return answer

    def send(self, message: Message) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def received(self) -> list[Message]:
        """The whole messages that one read brings. Raises ConnectionError where the other end is closed or babbles."""
        content = self._socket.recv(2**16)
        if not content:
            raise ConnectionResetError("the other end was closed")
        *lines, self._unread = (self._unread + content).split(b"\n")
        if len(self._unread) > _LONGEST_LINE:
            raise ConnectionError("a line without an end")
        try:
            return [dict(json.loads(line)) for line in lines]
        except (ValueError, TypeError) as error:
            raise ConnectionError("a line that is not a JSON object") from error

    def is_over(self) -> bool:
        """Whether an end is closed; for who waits for no message."""
        if self._socket.fileno() < 0:
            return True
        # A socket with a timeout waits, whatever a flag of `recv` says; a poll does not.
        readable = select.poll()
        readable.register(self._socket, select.POLLIN)
        try:
            return bool(readable.poll(0)) and self._socket.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


@final
class Listener:
    """The end that others connect to; made by `at`, which removes what a dead one left behind."""

    def __init__(self, ends: socket.socket) -> None:
        self._socket = ends

    @classmethod
    def at(cls, path: Path) -> Self:
        path.unlink(missing_ok=True)
        ends = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short(path) as name:
            ends.bind(name)
        path.chmod(0o600)
        ends.listen()
        return cls(ends)

    def accept(self) -> tuple[Connection, int] | None:
        """A connection and the pid at its other end; None where it is another user's."""
        ends, _ = self._socket.accept()
        ends.settimeout(1.0)
        credentials = ends.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, user, _ = struct.unpack("3i", credentials)
        if user != os.geteuid():
            ends.close()
            return None
        return Connection(ends), pid

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for the path within the 107 bytes that a socket's may have, wherever the folder lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
