"""store_addresses: the addresses of a store, none of which serves credentials."""

from __future__ import annotations

import socket
from typing import Any

from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.jobspec.store_hosts import serves_credentials

Address = tuple[socket.AddressFamily, Any]


def store_addresses(host: str, port: int) -> list[Address]:
    """Return what a name resolves to, or the address itself, in the order in which they are tried.

    Raises:
        DataError: E707 if one of the addresses serves the credentials of a cloud machine.
        OSError: If the name cannot be resolved.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if serves_credentials(str(address[0])):
            name = "" if host == address[0] else f" ({printable(host)})"
            what = f"the address {printable(address[0])}{name} serves the credentials of a cloud machine, not data"
            raise DataError("E707", what, fix="name the store's host.")
    return [(family, address) for family, _, _, _, address in found]
