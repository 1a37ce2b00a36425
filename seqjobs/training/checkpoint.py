"""Checkpoint: all that a pack needs to go on behind an epoch as if nothing had happened, as bytes without pickle."""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from seqjobs.data.dataset import Array
from seqjobs.training.outcome import Stopping, never

FORMAT = 1
_NOTES = "notes"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A pack at the end of an epoch."""

    epochs: int
    """How many are over."""
    notes: Mapping[str, Any]
    """Numbers and words, as JSON has them; Python's floats come back to the bit."""
    arrays: Mapping[str, Array]

    def encode(self, of: Mapping[str, str]) -> bytes:
        """An `.npz`; `of` says what it belongs to, and is asked for again by `decode`."""
        notes = json.dumps({"format": FORMAT, "of": dict(of), "epochs": self.epochs, "notes": dict(self.notes)})
        buffer = io.BytesIO()
        stored = {f"array-{name}": np.asarray(array) for name, array in self.arrays.items()}
        np.savez(buffer, allow_pickle=False, **{_NOTES: np.frombuffer(notes.encode(), np.uint8), **stored})
        return buffer.getvalue()

    @classmethod
    def decode(cls, content: bytes, of: Mapping[str, str]) -> Self | None:
        """What was encoded; None where it is of something else, of another format, or damaged."""
        try:
            if _expands(content):
                return None
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                tree = json.loads(stored[_NOTES].tobytes())
                if (tree["format"], tree["of"]) != (FORMAT, dict(of)):
                    return None
                names = [name for name in stored.files if name != _NOTES]
                arrays = {name.removeprefix("array-"): stored[name] for name in names}
                return cls(epochs=tree["epochs"], notes=tree["notes"], arrays=arrays)
        except Exception:  # (there is no end to what a damaged archive makes zipfile and NumPy raise)
            return None


def _expands(content: bytes) -> bool:
    """Return whether an archive has more bytes inside than outside; none that `encode` wrote has."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        return not stored or sum(member.file_size for member in members) > len(content)


@final
class Saving:
    """When checkpoints are due, which is by time, so that epochs that last no time cost none; and what was saved.

    Once `stopping` says so one is due at once, and is the last.
    """

    def __init__(self, seconds: float, saved: Checkpoint | None = None, stopping: Stopping = never) -> None:
        self.saved = saved
        self._stopping = stopping
        self._seconds = seconds
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Whether that many seconds are over since the last time it was; then they begin anew."""
        now = time.monotonic()
        if now - self._last < self._seconds and not self._stopping():
            return False
        self._last = now
        return True

    def end_if_asked(self) -> None:
        """To be called where nothing would be lost. Raises Stopped."""
        if self._stopping():
            raise Stopped


class Stopped(Exception):  # noqa: N818 (it ends a fit early, which goes on another time)
    """Somebody asked for an end, and all that was trained is saved, or cannot be."""


NEVER = Saving(math.inf)


def numbered(prefix: str, arrays: Any) -> dict[str, Array]:
    """Copies of arrays, under names that sort in their order."""
    return {f"{prefix}-{index:05d}": np.array(array) for index, array in enumerate(arrays)}


def in_order(prefix: str, arrays: Mapping[str, Array]) -> tuple[Array, ...]:
    """What `numbered` had under that prefix."""
    return tuple(arrays[name] for name in sorted(arrays) if name.startswith(f"{prefix}-"))


def same_form(arrays: Sequence[Array], others: Sequence[Array]) -> bool:
    """Whether these can stand for the others, one by one."""
    forms = [[(array.shape, array.dtype) for array in several] for several in (arrays, others)]
    return forms[0] == forms[1]
