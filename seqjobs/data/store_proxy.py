"""StoreProxy: a proxy in this process through which Arrow's client reaches one store, and no other host.

Arrow's client of S3 follows every redirect and sends the user's session token along; it has no option against that.
So it sends its requests to this proxy, which connects to the first host that is requested and refuses all others. A
proxy also decides which address a name stands for, so no answer of a name server that comes later can change it.

The proxy forwards bytes. TLS stays between the client and the store.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hmac
import secrets
import selectors
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Final, final
from urllib.parse import urlsplit

from seqjobs.data.store_address import store_addresses
from seqjobs.errors import DataError
from seqjobs.errors.printable import clipped, printable

CONNECT_SECONDS = 10
_CHUNK_BYTES: Final = 256 << 10
_MAX_HEAD_BYTES: Final = 64 << 10
_LONGEST_HOST: Final = 100
_USER: Final = "seqjobs"
# How often the server looks whether it was shut down, which nothing does.
_NEVER_SECONDS: Final = 86_400.0
# Headers for the proxy alone, and those that speak of the connection to it.
_OWN_HEADERS: Final = (b"proxy-", b"connection:", b"keep-alive:")


@final
class StoreProxy:
    """Forwards the requests of a client to one store. Create it with `start`; it ends with the process.

    Only a client that sends the password is served, because other users of the machine reach the port as well.
    """

    def __init__(self) -> None:
        self._password = secrets.token_hex(16)
        self._server = _Server(self)
        self._lock = threading.Lock()
        self._target: tuple[str, int] | None = None
        self.refusal: DataError | None = None
        """What was refused since `forget` was called: a redirect to another host, or an address that holds no data."""
        self.failure = ""
        """Why the last attempt to connect to the store failed; empty if it did not fail."""

    @classmethod
    def start(cls) -> StoreProxy:
        proxy = cls()
        serve = functools.partial(proxy._server.serve_forever, poll_interval=_NEVER_SECONDS)
        threading.Thread(target=serve, name="store-proxy", daemon=True).start()
        return proxy

    @property
    def options(self) -> dict[str, str | int]:
        """The `proxy_options` of Arrow's client."""
        port = int(self._server.server_address[1])
        return {"scheme": "http", "host": "127.0.0.1", "port": port, "username": _USER, "password": self._password}

    def forget(self) -> None:
        """Forget what was refused, before the store is used again."""
        self.refusal, self.failure = None, ""

    def serve(self, client: socket.socket) -> None:
        """Answer the one request of a connection."""
        request = _Request.read(client)
        if request is None:
            return
        if not hmac.compare_digest(request.password, f"{_USER}:{self._password}".encode()):
            _answer(client, b"407 Proxy Authentication Required")
            return
        if not self._is_permitted(request.target):
            _answer(client, b"403 Forbidden")
            return
        store = self._connected(*request.target)
        if store is None:
            _answer(client, b"403 Forbidden" if self.refusal else b"502 Bad Gateway")
            return
        with store:
            if request.is_tunnel:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                store.sendall(request.head)
            _relay(client, store, is_tunnel=request.is_tunnel)

    def _is_permitted(self, target: tuple[str, int]) -> bool:
        """Whether this is the host that was requested first, which no redirect can have named."""
        with self._lock:
            self._target = self._target or target
            if target == self._target:
                return True
        host = printable(clipped(target[0], _LONGEST_HOST))
        self.refusal = DataError(
            "E710",
            f"the store {self._target[0]} redirects to another host, {host}:{target[1]}, which was not contacted",
            fix="name the host that has the data in data.storage.endpoint, or for a bucket of Amazon its "
            "data.storage.region; report a redirect that you did not expect to the owner of the store.",
        )
        return False

    def _connected(self, host: str, port: int) -> socket.socket | None:
        reason = "it has no address"
        try:
            addresses = store_addresses(host, port)
        except DataError as error:
            self.refusal = error
            return None
        except OSError as error:
            addresses, reason = [], error.strerror or str(error)
        for family, address in addresses:
            found = socket.socket(family, socket.SOCK_STREAM)
            found.settimeout(CONNECT_SECONDS)
            try:
                found.connect(address)
            except OSError as error:
                found.close()
                reason = error.strerror or str(error)
            else:
                found.settimeout(None)
                self.failure = ""
                return found
        self.failure = f"could not connect to {printable(host)}:{port}: {reason}"
        return None


@dataclass(frozen=True, kw_only=True)
class _Request:
    """The beginning of a connection, as a client of a proxy sends it (RFC 9112, section 3.2)."""

    target: tuple[str, int]
    """Host and port."""
    is_tunnel: bool
    """Whether the client asks for a connection, over which it speaks TLS."""
    head: bytes = b""
    """What the store gets of a request that is no tunnel: its line and its headers."""
    password: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, client: socket.socket) -> _Request | None:
        """Return the request, or None if there is none."""
        head = b""
        while b"\r\n\r\n" not in head:
            part = client.recv(_CHUNK_BYTES)
            if not part or len(head) > _MAX_HEAD_BYTES:
                return None
            head += part
        line, *headers = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
        try:
            method, url, version = line.decode("ascii").split(" ")
            is_tunnel = method == "CONNECT"
            parts = urlsplit(f"//{url}" if is_tunnel else url)
            port = parts.port or (443 if is_tunnel else 80)
        except ValueError:
            return None
        if not parts.hostname or (not is_tunnel and (method not in ("GET", "HEAD") or parts.scheme != "http")):
            return None
        path = url.partition("://")[2].partition("/")[2]
        kept = [header for header in headers if not header.lower().startswith(_OWN_HEADERS)]
        lines = [f"{method} /{path} {version}".encode("ascii"), *kept, b"Connection: close", b"", b""]
        return cls(
            target=(parts.hostname, port),
            is_tunnel=is_tunnel,
            head=b"\r\n".join(lines),
            password=_password(headers),
        )


def _password(headers: list[bytes]) -> bytes:
    for header in headers:
        name, _, value = header.partition(b":")
        kind, _, encoded = value.strip().partition(b" ")
        if name.lower() == b"proxy-authorization" and kind.lower() == b"basic":
            with contextlib.suppress(ValueError):
                return base64.b64decode(encoded)
    return b""


def _answer(client: socket.socket, status: bytes) -> None:
    client.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _relay(client: socket.socket, store: socket.socket, *, is_tunnel: bool) -> None:
    """Forward bytes until one side ends. What a client sends after a request that is no tunnel ends it too."""
    chunk = memoryview(bytearray(_CHUNK_BYTES))
    with selectors.DefaultSelector() as ready:
        ready.register(client, selectors.EVENT_READ, store)
        ready.register(store, selectors.EVENT_READ, client)
        while True:
            for key, _ in ready.select():
                size = key.fileobj.recv_into(chunk)  # type: ignore[union-attr] # it is one of the sockets
                if not size or (key.fileobj is client and not is_tunnel):
                    return
                key.data.sendall(chunk[:size])


@final
class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: StoreProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.proxy = proxy


@final
class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        # A client may go at any time, and so may a store; the client's error says more.
        with contextlib.suppress(OSError):
            self.server.proxy.serve(self.request)
