"""What must not be shown: passwords in addresses, and values under keys that are named as secrets are."""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "..."

# As it stands in an address, also in one that a path was made of, which has one slash.
_LOGIN = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*:/{1,3})[^\s/@'\"]+@")
_WORDS = re.compile(r"(?:[A-Z]+(?![a-z])|[A-Z]?[a-z]+)\d*")
_SECRET = frozenset({"password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials"})
# `key_dim`, `token_count` and `key0` are no secrets.
_SECRET_AT_THE_END = frozenset({"token", "key", "keys", "apikey", "pwd"})


def redacted(text: str) -> str:
    """The text without who logs in where an address says so: `s3://user:pw@host/x` -> `s3://...@host/x`."""
    return _LOGIN.sub(rf"\1{HIDDEN}@", text) if "@" in text else text


def is_secret(key: str) -> bool:
    """Whether what stands under a key of this name is a secret, as far as its name tells."""
    words = [word.lower() for word in _WORDS.findall(key)]
    return any(word.rstrip("0123456789") in _SECRET for word in words) or bool(_SECRET_AT_THE_END & {*words[-1:]})


def without_secrets(value: object) -> object:
    """The value, with others in place of those under keys that are named as secrets are."""
    if isinstance(value, Mapping):
        return {key: HIDDEN if is_secret(str(key)) else without_secrets(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(part) for part in value]
    return value
