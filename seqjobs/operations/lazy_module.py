"""lazy_module: a module that is imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


def lazy_module(name: str) -> Any:
    """Return a stand-in for a module, which imports it with the first attribute that is asked for.

    `seqjobs validate` declares every operation and applies none: NumPy and Arrow would take more time than all it does.
    """
    return _LazyModule(name)


class _LazyModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)  # so that this method is called once for each name
        return value
