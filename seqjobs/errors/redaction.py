"""Redaction: remove logins and signatures from addresses, and values whose keys are named like secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

HIDDEN = "..."

# The login of an address. An address that was read as a path has only one slash.
_LOGIN = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*:/{1,3})[^\s/@'\"]+@")
# A value in the query of an address: `?X-Amz-Signature=...`. Its name may be written with percent signs.
_IN_QUERY = re.compile(r"(?<=[?&;])([A-Za-z0-9_.%-]+)=([^\s&;'\"]+)")
_WORDS = re.compile(r"(?:[A-Z]+(?![a-z])|[A-Z]?[a-z]+)\d*")
_SECRET = frozenset({"password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials"})
# `key_dim`, `token_count` and `key0` are not secrets.
_SECRET_AT_THE_END = frozenset({"token", "key", "keys", "apikey", "pwd"})
# Names in the queries of addresses that stores sign: of Amazon, Google and Azure, besides those of other secrets.
_SECRET_IN_QUERY = frozenset({"signature", "sig", "awsaccesskeyid", "googleaccessid", "accesskeyid", "auth", "jwt"})


def redacted(text: str) -> str:
    """Return the text without the logins of addresses and the secrets in their queries.

    `s3://user:pw@host/x` becomes `s3://...@host/x`, and `https://host/x?sig=abc` becomes `https://host/x?sig=...`.
    """
    if "@" in text:
        text = _LOGIN.sub(rf"\1{HIDDEN}@", text)
    return _IN_QUERY.sub(_redacted_value, text) if "=" in text else text


def has_secret_in_query(address: str) -> bool:
    """Return whether the query of an address has a signature, a token or another secret."""
    return any(_is_secret_in_query(found[1]) for found in _IN_QUERY.finditer(address))


def _redacted_value(found: re.Match[str]) -> str:
    return f"{found[1]}={HIDDEN}" if _is_secret_in_query(found[1]) else found[0]


def _is_secret_in_query(name: str) -> bool:
    plain = unquote(name)
    return is_secret(plain) or plain.lower().rpartition("-")[2] in _SECRET_IN_QUERY


def is_secret(key: str) -> bool:
    """Return whether the name of a key says that its value is a secret."""
    words = [word.lower() for word in _WORDS.findall(key)]
    return any(word.rstrip("0123456789") in _SECRET for word in words) or bool(_SECRET_AT_THE_END & {*words[-1:]})


def without_secrets(value: object) -> object:
    """Return the value, with `...` in the place of each part whose key is named like a secret."""
    if isinstance(value, Mapping):
        return {key: HIDDEN if is_secret(str(key)) else without_secrets(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(part) for part in value]
    return value
