"""PackQueue: the packs that wait, and which of them a worker takes next."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import final

from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import PROGRAMS_HELD


@final
class PackQueue:
    """Keeps packs with workers that hold their program, for compiling one costs more than training with it.

    What a worker holds is known from what it took: the programs it used last, `held` of them, as the worker itself
    keeps them. No result depends on it. Choosing costs the same however many packs wait.
    """

    def __init__(self, packs: Iterable[Pack], held: int = PROGRAMS_HELD) -> None:
        self._held = held
        self._left: dict[str, deque[Pack]] = {}
        for pack in packs:
            self._left.setdefault(pack.program_key, deque()).append(pack)
        self._count = sum(map(len, self._left.values()))
        # Programs with packs left that no worker holds, in the order of the plan.
        self._fresh: dict[str, None] = dict.fromkeys(self._left)
        self._programs: dict[str, dict[str, None]] = {}  # worker -> programs it holds, the one used last at the end
        self._holders: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._count

    def choose(self, worker: str) -> str:
        """The program of which the worker should take packs: the one it used last of those it holds, else one that
        no worker holds, else the one with most packs left. Raises LookupError where no pack waits.
        """
        if not self._left:
            raise LookupError("no pack waits")
        for program in reversed(self._programs.get(worker, {})):
            if program in self._left:
                return program
        fresh = next(iter(self._fresh), None)
        # Without a fresh one, workers hold all that are left, so that these are few.
        return fresh or max(self._left, key=lambda program: len(self._left[program]))

    def take(self, worker: str, program: str, most: int) -> tuple[Pack, ...]:
        """The next packs of that program, at least one and at most `most`; the worker will hold it."""
        waiting = self._left[program]
        packs = tuple(waiting.popleft() for _ in range(min(most, len(waiting))))
        self._count -= len(packs)
        if not waiting:
            del self._left[program]
        self._use(worker, program)
        return packs

    def put_back(self, pack: Pack) -> None:
        """Before the others of its program."""
        self._waiting(pack.program_key).appendleft(pack)

    def put_last(self, pack: Pack) -> None:
        """Behind the others of its program."""
        self._waiting(pack.program_key).append(pack)

    def _waiting(self, program: str) -> deque[Pack]:
        """Those of the program, to which one is added."""
        self._count += 1
        if not self._holders[program]:
            self._fresh.setdefault(program)
        return self._left.setdefault(program, deque())

    def forget(self, worker: str) -> None:
        """The worker is gone, and the programs it held with it."""
        for program in self._programs.pop(worker, {}):
            self._release(program)

    def _use(self, worker: str, program: str) -> None:
        programs = self._programs.setdefault(worker, {})
        if program in programs:
            del programs[program]
        else:
            self._holders[program] += 1
            self._fresh.pop(program, None)
        programs[program] = None
        if len(programs) > self._held:
            oldest = next(iter(programs))
            del programs[oldest]
            self._release(oldest)

    def _release(self, program: str) -> None:
        self._holders[program] -= 1
        if not self._holders[program]:
            del self._holders[program]
            if program in self._left:
                self._fresh[program] = None
