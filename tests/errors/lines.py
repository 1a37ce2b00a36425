"""code_of: the code at the end of an error's line."""

from __future__ import annotations

import re

_CODE = re.compile(r" \[(E\d{3})\]$")


def code_of(line: str) -> str:
    """Return `E302` for `... Fix: use one of a, b. [E302]`."""
    found = _CODE.search(line)
    assert found, f"this line does not end with its code: {line}"
    return found[1]
