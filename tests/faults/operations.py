"""The operations on files of this process, by the functions of `os` that all of them go through."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

OPERATIONS = ("open", "mkdir", "link", "replace", "rename", "unlink", "fsync", "ftruncate", "pwrite")


@contextmanager
def interposed(look: Callable[[int], None]) -> Iterator[None]:
    """Within it `look` is called before every operation, with its number from 1; what it raises happens instead."""
    real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in OPERATIONS}
    number = 0
    looking = False

    def wrapped(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal number, looking
            if not looking:
                number, looking = number + 1, True
                try:
                    look(number)
                finally:
                    looking = False
            return real[name](*arguments, **options)

        return call

    for name in OPERATIONS:
        setattr(os, name, wrapped(name))
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)
