"""The versions of what computes a run, without importing any of it."""

from __future__ import annotations

import platform
from importlib import metadata

# Pillow decodes pictures into features.
DISTRIBUTIONS = ("seqjobs", "tensorflow", "keras", "ray", "pyarrow", "numpy", "pillow")


def versions() -> dict[str, str]:
    """Name -> version; `missing` where a distribution is not installed."""
    return {"python": platform.python_version(), **{name: _version(name) for name in DISTRIBUTIONS}}


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "missing"
