"""SipHash has the numbers that its authors published, of texts of any lengths side by side."""

from __future__ import annotations

from seqjobs.data.preprocess.sip_hash import sip_hash

KEY = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
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


def test_the_numbers_are_those_of_the_paper() -> None:
    texts = [bytes(range(length)) for length in PUBLISHED]
    assert sip_hash(texts, KEY).tolist() == list(PUBLISHED.values())


def test_no_text_changes_the_number_of_another() -> None:
    texts = [b"x" * length for length in (300, 0, 8, 16, 7, 300)]
    assert sip_hash(texts, KEY).tolist() == [sip_hash([text], KEY)[0] for text in texts]
    assert sip_hash([], KEY).tolist() == []
