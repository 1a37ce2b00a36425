"""LogModel: what must be in a run's log, in the simplest form: segments of entries, and a fold over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A submit begins: what was under way before it died with its driver."""


@dataclass(frozen=True, kw_only=True)
class LeftInOrder:
    """A submit ends and is not to be blamed on what is under way."""


@dataclass(frozen=True, kw_only=True)
class Started:
    pack: str
    behind: str | None
    epochs: int
    alone: bool


@dataclass(frozen=True, kw_only=True)
class Ended:
    pack: str
    trials: tuple[tuple[str, str], ...]
    """Trial id -> what its record must say, as text: a loss that is no number is not equal to itself."""


@dataclass(frozen=True, kw_only=True)
class Died:
    pack: str
    charged: bool
    at_least: int


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Stands in the place of a segment that a repair gave up."""


@dataclass(frozen=True, kw_only=True)
class Cleared:
    trials: tuple[str, ...]


Entry = Begun | LeftInOrder | Started | Ended | Died | Lost | Cleared


@dataclass
class Told:
    """What some entries amount to."""

    done: dict[str, str] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)
    suspects: dict[str, int] = field(default_factory=dict)
    """Pack -> how many drivers died while they tried it alone."""
    alone: str = ""
    furthest: dict[str, int] = field(default_factory=dict)
    under_way: dict[str, str | None] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        match entry:
            case Begun():
                self.suspect()
            case LeftInOrder() | Lost():
                self.under_way.clear()
            case Started():
                self.under_way[entry.pack] = entry.behind
                self.alone = entry.pack if entry.alone else ""
                self.go_on(entry.pack, entry.epochs)
            case Ended():
                self._over(entry.pack)
                self.done.update(entry.trials)
            case Died():
                self._over(entry.pack)
                self.charged[entry.pack] = max(self.charged.get(entry.pack, 0) + entry.charged, entry.at_least)
            case Cleared():
                for trial in entry.trials:
                    self.done.pop(trial, None)

    def go_on(self, pack: str, epochs: int) -> None:
        if epochs > self.furthest.get(pack, 0):
            self.charged[pack], self.furthest[pack] = 0, epochs
            self.suspects.pop(pack, None)

    def suspect(self) -> None:
        for pack, behind in self.under_way.items():
            if behind not in self.under_way:
                is_alone = pack == self.alone and len(self.under_way) == 1
                self.suspects[pack] = self.suspects.get(pack, 0) + is_alone
        self.under_way.clear()

    def _over(self, pack: str) -> None:
        self.under_way.pop(pack, None)
        self.under_way = {waiting: None if on == pack else on for waiting, on in self.under_way.items()}


class LogModel:
    """What was published, and what may be published by whatever a driver does at this moment."""

    def __init__(self) -> None:
        self.segments: list[list[Entry]] = []
        self.durable = 0
        """So many segments were there when a driver's call came back: they stay."""
        self._pending: list[list[Entry]] = [[]]

    def note(self, *entries: Entry) -> None:
        self._pending[-1] += entries

    def withdraw(self) -> None:
        """The last entry was never written."""
        self._pending[-1].pop()

    def seal(self) -> None:
        """What is noted from now on comes into another segment."""
        if self._pending[-1]:
            self._pending.append([])

    def found(self, count: int) -> None:
        """So many segments are there."""
        assert count >= self.durable, f"{self.durable} segments were durable, {count} are there"
        while len(self.segments) < count:
            assert self._pending[0], f"nobody wrote segment {len(self.segments) + 1}"
            self.segments.append(self._pending.pop(0))
            self._pending = self._pending or [[]]
        del self.segments[count:]

    def forget(self) -> None:
        """The driver is gone, and with it what it had not published."""
        self._pending = [[]]

    def told(self, epochs_of: Callable[[str], int] | None = None) -> Told:
        """To a submit that begins now, if it is told what checkpoints lie there."""
        told = Told()
        for entry in self._entries():
            told.take(entry)
        told.suspect()
        if epochs_of is not None:
            for pack in {pack for pack, count in told.charged.items() if count} | set(told.suspects):
                told.go_on(pack, epochs_of(pack))
        return told

    def known(self) -> dict[str, str]:
        """All that a record may say at this moment: what was published, and what is about to be."""
        ends = (entry for batch in (*self.segments, *self._pending) for entry in batch if isinstance(entry, Ended))
        return {trial: said for entry in ends for trial, said in entry.trials}

    def _entries(self) -> Iterator[Entry]:
        return (entry for segment in self.segments for entry in segment)
