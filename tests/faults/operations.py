"""The operations on files of this process, by the functions of `os` that all of them go through."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

OPERATIONS = ("open", "mkdir", "link", "replace", "rename", "unlink", "fsync", "ftruncate", "pwrite")


@contextmanager
def interposed(look: Callable[[int], None], *, locks: bool = False) -> Iterator[None]:
    """Within it `look` is called before every operation, with its number from 1; what it raises happens instead.

    With `locks` an attempt to get a lock is an operation, too.
    """
    modules = {**dict.fromkeys(OPERATIONS, os), **({"flock": fcntl} if locks else {})}
    real: dict[str, Callable[..., Any]] = {name: getattr(module, name) for name, module in modules.items()}
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

    for name, module in modules.items():
        setattr(module, name, wrapped(name))
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(modules[name], name, function)
