"""shown_bytes: sizes of memory and files, as messages and tables show them."""

from __future__ import annotations


def shown_bytes(count: int) -> str:
    """Format a size with three digits, which are enough to decide by: `1.5 GiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"
