"""What is shown of logins and secrets: nothing."""

from __future__ import annotations

import pytest

from seqjobs.errors.printable import printable
from seqjobs.errors.redaction import is_secret, redacted, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://user:pw@host/x", "s3://...@host/x"),
        ("no file at https://token@host:80/a and b", "no file at https://...@host:80/a and b"),
        ("data/https:/user:pw@host/x", "data/https:/...@host/x"),
        ("ray://me:p:w@10.0.0.1:10001", "ray://...@10.0.0.1:10001"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("me@host:/x", "me@host:/x"),
    ],
)
def test_logins_in_addresses_are_not_shown(text: str, shown: str) -> None:
    assert redacted(text) == printable(text) == shown


@pytest.mark.parametrize("key", ["password", "PASSWORD", "apiKey", "api_key", "AWS_SECRET_ACCESS_KEY", "secret_id",
                                 "hf-token", "password2", "credentials", "dbPwd"])  # fmt: skip
def test_names_of_secrets(key: str) -> None:
    assert is_secret(key)
    assert without_secrets([{"a": {key: "x", "b": (1,)}}]) == [{"a": {key: "...", "b": [1]}}]


@pytest.mark.parametrize("key", ["key_dim", "num_tokens", "token_count", "monkey", "key0", "tokenizer", "", "1"])
def test_names_that_only_look_like_it(key: str) -> None:
    assert not is_secret(key)
