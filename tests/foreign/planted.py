"""Planted run folders: random changes of a finished run, each of which a forger could make, and all commands on it.

`python -m tests.foreign.planted --examples 2000` tries many more than the tests do.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import seqjobs.export
from seqjobs.execution.in_process import InProcess
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.runs import write_points

from .forge import HOSTILE, Forged, Tree, contents, invoke, make_finished_run

SECRET = "precious words of the user"
OUTSIDE = ("secret.log", "secret.json", "secret.npz", "secret.keras", "weights/thesis.npz", "log/00000001.jsonl")
TEXTS = ("", HOSTILE, "../../outside/secret", "=cmd()", "a\x00b", "\ud800", "nan", "x" * 5000, "0" * 64, "/dev/zero")
NUMBERS = (0, -1, 1, 1.5, -0.0, 1e308, 2**31, 2**63, 10**19, 10**400, True)
OTHERS: tuple[Any, ...] = (None, [], {}, [[]], {"": None}, ["x"], {"a": {"b": [1]}})
READERS = (
    *(["ls"], ["ls", "-o", "json"], ["show"], ["show", "-o", "json"], ["logs"], ["fsck"], ["fsck", "-o", "json"]),
    *(["results", "-o", form] for form in ("table", "csv", "markdown", "json")),
    *(["export", "--out", "model.keras", "--force"], ["fsck", "--repair"], ["show"], ["results"], ["logs"]),
)
Step = tuple[str, int]


def nested(depth: int) -> Any:
    deep: Any = 1
    for number in range(depth):
        deep = [deep] if number % 2 else {"a": deep}
    return deep


def a_value(random: Random, known: Sequence[Any]) -> Any:
    """Return a hostile value, or one that stands elsewhere in the same file."""
    kind = random.randrange(6)
    if kind == 0:
        return nested(random.choice([3, 40, 300]))
    return random.choice((TEXTS, NUMBERS, OTHERS, known, known)[kind - 1] or [None])


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a JSON value with each of its keys or indices."""
    items = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    for key, value in items:
        yield tree, key
        yield from places(value)


def change_one(tree: Any, random: Random) -> None:
    """Replace, remove or add a value somewhere in a JSON value."""
    found = list(places(tree))
    if not found:
        return
    container, key = random.choice(found)
    known = [copy.deepcopy(holder[name]) for holder, name in random.choices(found, k=5)]
    kind = random.randrange(5)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, dict):
        container[random.choice(TEXTS)] = a_value(random, known)
    elif kind == 1:
        container.insert(0, a_value(random, known))
    else:
        container[key] = a_value(random, known)


class Planting:
    """The changes, by name."""

    def __init__(self, forged: Forged) -> None:
        self.forged = forged
        self.outside = forged.root.parent.parent / "outside"

    def files(self) -> list[Path]:
        return sorted(path for path in self.forged.root.rglob("*") if path.is_file() and not path.is_symlink())

    def plan(self, random: Random) -> None:
        if (self.forged.root / "run.json").is_file():
            self.forged.plan(lambda tree: change_one(tree, random))

    def records(self, random: Random) -> None:
        segments = [path for path in self.forged.segments if path.is_file()]
        if not segments:
            return
        path = random.choice(segments)
        records: list[Tree] = self.forged.read(path)
        if random.randrange(5) == 0:
            others = self.forged.read(random.choice(segments))
            records.insert(random.randint(0, len(records)), random.choice(others or [{}]))
        else:
            change_one(random.choice(records) if records and random.randrange(8) else records, random)
        self.forged.seal(path, records)

    def link(self, random: Random) -> None:
        paths = [*self.files(), *(path for path in self.forged.root.iterdir() if path.is_dir())]
        path = random.choice(paths)
        target = self.outside / random.choice(["", "weights", "log", *OUTSIDE])
        if random.randrange(2) and path.is_file():
            target = self.outside / f"moved-{path.name}"
            shutil.copy(path, target)
        self._remove(path)
        path.symlink_to(target)

    def cut(self, random: Random) -> None:
        path = random.choice(self.files())
        content = path.read_bytes()
        path.write_bytes(content[: random.randint(0, len(content))])

    def flip(self, random: Random) -> None:
        path = random.choice(self.files())
        content = bytearray(path.read_bytes() or b"x")
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        path.write_bytes(content)

    def swap(self, random: Random) -> None:
        one, two = random.choices(self.files(), k=2)
        former = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(former)

    def remove(self, random: Random) -> None:
        self._remove(random.choice([*self.files(), *(path for path in self.forged.root.iterdir() if path.is_dir())]))

    def other_kind(self, random: Random) -> None:
        path = random.choice(self.files())
        path.unlink()
        path.mkdir() if random.randrange(2) else os.mkfifo(path)

    def stray(self, random: Random) -> None:
        """A file more, with a name that counts."""
        names = ["log/00000099.jsonl", "log/99999999.jsonl", "weights/x.npz", "best/x.keras", ".aside-1-x", "damaged/x"]
        path = self.forged.root / random.choice(names)
        if path.parent.is_dir() and not path.parent.is_symlink() and not path.exists():
            shutil.copy(random.choice(self.files()), path)

    def _remove(self, path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


CHANGES: dict[str, Callable[[Planting, Random], None]] = {
    "plan": Planting.plan,
    "records": Planting.records,
    "link": Planting.link,
    "cut": Planting.cut,
    "flip": Planting.flip,
    "swap": Planting.swap,
    "remove": Planting.remove,
    "other kind": Planting.other_kind,
    "stray": Planting.stray,
}
# What is read before all else is changed most.
NAMES = ("plan", "plan", "plan", *("records",) * 5, *CHANGES)


def look_at(finished: Path, steps: Sequence[Step]) -> None:
    """Plant a folder and run every command on it. Raises AssertionError if one does what it must not."""
    with tempfile.TemporaryDirectory(prefix="planted-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        for path in OUTSIDE:
            (folder / "outside" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "outside" / path).write_text(SECRET)
        (folder / "here").mkdir()
        patch.chdir(folder / "here")
        patch.setattr(seqjobs.export, "RayPool", lambda *_, **__: InProcess(start=StartFake()))
        planting = Planting(Forged.copy_of(finished, folder))
        for kind, number in steps:
            # What was cut or swapped before cannot be changed inside any more.
            with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
                if planting.files():
                    CHANGES[kind](planting, Random(number))
        before = contents(folder / "outside")
        codes = {}
        for arguments in READERS:
            result = invoke(planting.forged, *arguments)
            assert SECRET not in result.output, arguments
            codes[" ".join(arguments)] = result.exit_code
        if codes["fsck --repair"] == 0:
            again = invoke(planting.forged, "fsck")
            assert again.exit_code == 0, again.output
        assert contents(folder / "outside") == before
        inside = contents(folder / "runs") | contents(folder / "here")
        assert not [
            path for path, content in inside.items() if isinstance(content, bytes) and SECRET.encode() in content
        ]
        for arguments in (["gc", "--keep-last", "0", "--unfinished"], ["rm", planting.forged.root.name]):
            assert SECRET not in invoke(planting.forged, *arguments).output
        assert contents(folder / "outside") == before


def assert_planted_folders_are_harmless(*, examples: int, number: int | None = None) -> None:
    """Look at that many planted folders; the same ones each time if there is no number."""
    with tempfile.TemporaryDirectory(prefix="finished-") as name:
        folder = Path(name)
        write_points(folder)
        finished = make_finished_run(folder, folder / "20260101-000000-points")

        @settings(
            max_examples=examples,
            derandomize=number is None,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 2**32 - 1)), min_size=1, max_size=4))
        def look(steps: list[Step]) -> None:
            look_at(finished, steps)

        (look if number is None else seed(number)(look))()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.foreign.planted", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    assert_planted_folders_are_harmless(examples=options.examples, number=options.seed)
    print(f"held: {options.examples:,} planted run folders")


if __name__ == "__main__":
    main()
