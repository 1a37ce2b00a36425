"""Redaction: remove logins from addresses, and values whose keys are named like secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "..."

# The login of an address. An address that was read as a path has only one slash.
_LOGIN = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*:/{1,3})[^\s/@'\"]+@")
_WORDS = re.compile(r"(?:[A-Z]+(?![a-z])|[A-Z]?[a-z]+)\d*")
_SECRET = frozenset({"password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials"})
# `key_dim`, `token_count` and `key0` are not secrets.
_SECRET_AT_THE_END = frozenset({"token", "key", "keys", "apikey", "pwd"})


def redacted(text: str) -> str:
    """Return the text without the logins of addresses: `s3://user:pw@host/x` becomes `s3://...@host/x`."""
    return _LOGIN.sub(rf"\1{HIDDEN}@", text) if "@" in text else text


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
