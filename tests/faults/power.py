"""PowerCuts: every state in which a cut of the power may leave a folder, by a model of what a disk promises.

A disk keeps the bytes of a file once that was fsynced, and a name (created, linked, renamed, removed) once its folder
was; of all else it keeps what it likes, in any order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.operations import OPERATIONS

SECTOR = 512


@dataclass(frozen=True, kw_only=True)
class State:
    """A folder at one moment: what any process sees, and what the disk has promised to keep of it.

    A name leads to the number of a file, or to None where it is a folder.
    """

    names: dict[str, int | None]
    contents: dict[int, bytes]
    kept_names: dict[str, int | None]
    kept_contents: dict[int, bytes]

    def cuts(self) -> Iterator[tuple[str, dict[str, bytes | None]]]:
        """What may be found after a cut now: relative path -> bytes, None for a folder; each with a word on it."""
        yield "all of it", _files(self.names, self.contents)
        kept = {number: self.kept_contents.get(number, b"") for number in self.contents}
        yield "no data but what was synced", _files(self.names, kept)
        yield "no names but what was synced", _files(self.kept_names, {**self.kept_contents, **self.contents})
        yield "nothing but what was synced", _files(self.kept_names, {**kept, **self.kept_contents})
        for name in sorted({name for name in {*self.names, *self.kept_names} if self._differs(name)}):
            one = {**self.names}
            one.pop(name, None)
            if name in self.kept_names:
                one[name] = self.kept_names[name]
            yield f"without the last of {name}", _files(one, {**self.kept_contents, **self.contents})
        torn = {number: content[: len(content) // SECTOR * SECTOR] for number, content in self.contents.items()}
        yield "data torn at a sector", _files(self.names, {**torn, **self.kept_contents})

    def _differs(self, name: str) -> bool:
        return self.names.get(name, -1) != self.kept_names.get(name, -1)


def _files(names: dict[str, int | None], contents: dict[int, bytes]) -> dict[str, bytes | None]:
    """Without what lies in a folder that is not there."""
    folders = {name for name, number in names.items() if number is None} | {"."}
    return {
        name: None if number is None else contents.get(number, b"")
        for name, number in names.items()
        if all(str(parent) in folders for parent in Path(name).parents)
    }


def write_files(files: dict[str, bytes | None], root: Path) -> None:
    for name, content in sorted(files.items()):
        if content is None:
            (root / name).mkdir(parents=True, exist_ok=True)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)


@dataclass
class Disk:
    """Notes a state after every operation on files below `root`."""

    root: Path
    states: list[State] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _files: int = 0
    _kept_names: dict[str, int | None] = field(default_factory=dict)
    _kept_contents: dict[int, bytes] = field(default_factory=dict)

    def note(self, operation: str, arguments: tuple[Any, ...]) -> None:
        """To be called behind an operation that went well."""
        if operation == "fsync":
            self._synced(Path(f"/proc/self/fd/{arguments[0]}").readlink())
        elif operation == "open":
            self._numbers.setdefault(self._name(arguments[0]), self._new())
        elif operation == "link":
            self._numbers[self._name(arguments[1])] = self._numbers[self._name(arguments[0])]
        elif operation in ("replace", "rename"):
            self._numbers[self._name(arguments[1])] = self._numbers.pop(self._name(arguments[0]))
        elif operation == "unlink":
            self._numbers.pop(self._name(arguments[0]))
        self.states.append(self._state())

    def restart(self) -> None:
        """All that is there now is on the disk, as after a start of the machine."""
        self.states.clear()
        self._numbers = {self._name(path): self._new() for path in self.root.rglob("*") if not path.is_dir()}
        self._kept_names, self._kept_contents = self._seen()
        self.states.append(self._state())

    def _new(self) -> int:
        self._files += 1
        return self._files

    def _name(self, path: Any) -> str:
        return str(Path(path).relative_to(self.root))

    def _synced(self, path: Path) -> None:
        names, contents = self._seen()
        if path.is_dir():
            folder = "" if path == self.root else f"{self._name(path)}/"
            here = [name for name in {*names, *self._kept_names} if name.rpartition("/")[0] == folder.rstrip("/")]
            for name in here:
                self._kept_names.pop(name, None)
                if name in names:
                    self._kept_names[name] = names[name]
        else:
            number = self._numbers[self._name(path)]
            self._kept_contents[number] = contents[number]

    def _seen(self) -> tuple[dict[str, int | None], dict[int, bytes]]:
        names: dict[str, int | None] = {}
        contents: dict[int, bytes] = {}
        for path in sorted(self.root.rglob("*")):
            name = self._name(path)
            names[name] = None if path.is_dir() else self._numbers[name]
            if not path.is_dir():
                contents[self._numbers[name]] = path.read_bytes()
        return names, contents

    def _state(self) -> State:
        names, contents = self._seen()
        return State(
            names=names,
            contents=contents,
            kept_names=dict(self._kept_names),
            kept_contents={number: self._kept_contents[number] for number in self._kept_contents},
        )


@contextmanager
def recorded(root: Path) -> Iterator[Disk]:
    """Within it every operation on files below `root`, in this process, is noted."""
    disk = Disk(root)
    real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in OPERATIONS}

    def wrapped(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            ours = _is_below(name, arguments, root)
            given = real[name](*arguments, **options)
            if ours:
                disk.note(name, arguments)
            return given

        return call

    for name in OPERATIONS:
        setattr(os, name, wrapped(name))
    try:
        yield disk
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def _is_below(name: str, arguments: tuple[Any, ...], root: Path) -> bool:
    if name in ("fsync", "ftruncate", "pwrite"):
        return Path(f"/proc/self/fd/{arguments[0]}").readlink().is_relative_to(root)
    if name == "open" and not arguments[1] & os.O_CREAT:
        return False
    return isinstance(arguments[0], str | Path) and Path(arguments[0]).is_relative_to(root)
