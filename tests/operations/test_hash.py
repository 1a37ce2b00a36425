"""The hash of `hash` is the one that the authors of SipHash published."""

from __future__ import annotations

import struct

from siphash24 import siphash24

KEY = struct.pack("<QQ", 0x0706050403020100, 0x0F0E0D0C0B0A0908)
PUBLISHED = {
    0: 0x726FDB47DD0E0E31,
    1: 0x74F839C593DC67FD,
    2: 0x0D6C8009D9A94F5A,
    7: 0xAB0200F58B01D137,
    8: 0x93F5F5799A932462,
    9: 0x9E0082DF0BA9E4B0,
    15: 0xA129CA6149BE45E5,
    63: 0x958A324CEB064572,
}


def test_the_library_has_the_published_hashes() -> None:
    found = {length: siphash24(bytes(range(length)), key=KEY).digest() for length in PUBLISHED}
    assert {length: int.from_bytes(digest, "little") for length, digest in found.items()} == PUBLISHED
