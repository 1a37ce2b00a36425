"""output_file: a file for the user, that is published once it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from seqjobs.store import durable


@contextmanager
def output_file(path: Path, what: str) -> Iterator[BinaryIO]:
    """Open a file that is published as the context ends without an error.

    After an error the path has no file, or the one that was there before. What killed commands left next to it is
    removed. Raises StorageError E606, in which `what` says what cannot be written.
    """
    durable.remove_leftovers(path.parent)
    with durable.reported(f"{what} cannot be written", path), durable.written(path) as file:
        yield file
