"""Hosts of stores: how their names are read, and which of them serve the credentials of a cloud machine.

A host is read as the clients of stores read it: `0xA9FEA9FE`, `2852039166`, `0251.254.43518` and `[::ffff:a9fe:a9fe]`
are all the address 169.254.169.254.
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import unquote

# Blocks as a whole where they hold nothing but such services: no store has an address in them.
_CREDENTIALS: Final = tuple(
    map(
        ip_network,
        (
            # Link-local: AWS (machines .169.254, ECS .170.2, EKS .170.23), Google, Azure, Oracle, IBM, OpenStack,
            # DigitalOcean, Hetzner, Linode, Scaleway (.42.42), Tencent (.0.23) and others.
            "169.254.0.0/16",
            "fe80::/10",
            # Azure's WireServer.
            "168.63.129.16/32",
            # Alibaba, and Oracle's first cloud.
            "100.100.100.200/32",
            "192.0.0.192/32",
            # IPv6 of AWS, Google, Linode, Scaleway and Oracle.
            "fd00:ec2::/32",
            "fd20:ce::/32",
            "fd00:a9fe:a9fe::/48",
            "fd00:42::42/128",
            "fd00:c1::a9fe:a9fe/128",
        ),
    )
)
# Names that begin so are those of Google (metadata.google.internal, metadata.goog, metadata), Tencent, Equinix and
# others; `instance-data` is AWS's.
_METADATA_NAME: Final = re.compile(r"(instance-data|(rancher-)?metadata)(\.|$)|(.+\.)?metadata\.cloud\.ibm\.com$")
# An IPv4 address is in the last bits of these: mapped, compatible, translated (NAT64, RFC 6052 and RFC 8215).
_ENDS_WITH_IPV4: Final = tuple(map(ip_network, ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
_LOCAL_NAT64: Final = ip_network("64:ff9b:1::/48")
_6TO4: Final = ip_network("2002::/16")
# What stands for a dot in names of other scripts (RFC 3490, section 3.1). NFKC makes a dot of the others.
_IDEOGRAPHIC_STOP: Final = "\u3002"
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|0[0-7]*|[1-9][0-9]*")


def host_of(authority: str) -> str:
    """Return `host` of `host:9000`, and `[::1]` of `[::1]:9000`."""
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    name, colon, _ = authority.rpartition(":")
    return name if colon and ":" not in name else authority


def is_metadata_host(host: str) -> bool:
    """Return whether a host, as written in a spec, serves the credentials of a cloud machine."""
    plain = _plain(host)
    return _METADATA_NAME.match(plain) is not None or serves_credentials(plain)


def serves_credentials(address: str) -> bool:
    """Return whether an address serves the credentials of a cloud machine; False for a name."""
    found = _address(address.partition("%")[0])
    return found is not None and any(
        address in network
        for address in _meant(found)
        for network in _CREDENTIALS
        if network.version == address.version
    )


def _plain(host: str) -> str:
    """Return the host as clients see it: decoded, in lower case, without brackets, zone and dots at the end."""
    text = unicodedata.normalize("NFKC", unquote(host)).replace(_IDEOGRAPHIC_STOP, ".")
    return text.strip("[]").partition("%")[0].lower().rstrip(".")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return _numeric(text)


def _numeric(text: str) -> IPv4Address | None:
    """Return the address of one to four numbers, decimal, octal or hexadecimal, as `inet_aton` reads them.

    The last number fills the bytes that are left: `127.1` is 127.0.0.1.
    """
    parts = text.split(".")
    if len(parts) > 4 or not all(map(_NUMBER.fullmatch, parts)):
        return None
    *first, last = map(_number, parts)
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    return IPv4Address(sum(number << (24 - 8 * index) for index, number in enumerate(first)) + last)


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)


def _meant(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return the address, and the IPv4 address that it stands for or is translated to, if there is one."""
    if isinstance(address, IPv4Address):
        return (address,)
    value = int(address)
    if any(address in network for network in _ENDS_WITH_IPV4):
        return address, IPv4Address(value & 0xFFFFFFFF)
    if address in _6TO4:
        return address, IPv4Address(value >> 80 & 0xFFFFFFFF)
    if address in _LOCAL_NAT64:  # RFC 6052, section 2.2: /96 inside it, or /48 with the byte 8 left out
        return (
            address,
            IPv4Address(value & 0xFFFFFFFF),
            IPv4Address((value >> 64 & 0xFFFF) << 16 | value >> 40 & 0xFFFF),
        )
    return (address,)
