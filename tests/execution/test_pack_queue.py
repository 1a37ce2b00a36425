"""Which pack a worker takes next: one whose program it holds, before it compiles another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqjobs.execution.pack_queue import PackQueue
from seqjobs.planning.resources import Resources
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import PROGRAMS_HELD
from tests.conftest import MakePlan


@pytest.fixture
def first(make_points_plan: MakePlan) -> Pack:
    return make_points_plan().packs[0]


def packs_of(first: Pack, programs: str) -> list[Pack]:
    """A pack for each letter, which is its program: `a0`, `b1`, `a2` for `aba`."""
    return [
        replace(first, id=f"{program}{index}", program_key=program, resources=Resources())
        for index, program in enumerate(programs)
    ]


def take(queue: PackQueue, worker: str, most: int = 1) -> list[str]:
    return [pack.id for pack in queue.take(worker, queue.choose(worker), most)]


def test_a_worker_stays_with_its_program(first: Pack) -> None:
    queue = PackQueue(packs_of(first, "aabbab"))
    assert [take(queue, "w") for _ in range(6)] == [["a0"], ["a1"], ["a4"], ["b2"], ["b3"], ["b5"]]
    assert len(queue) == 0


def test_another_worker_begins_a_program_that_nobody_holds(first: Pack) -> None:
    queue = PackQueue(packs_of(first, "aabbcc"))
    assert [take(queue, worker)[0][0] for worker in ("v", "w", "x", "v", "w", "x")] == [*"abcabc"]


def test_a_worker_without_work_helps_where_most_is_left(first: Pack) -> None:
    queue = PackQueue(packs_of(first, "aaabbbbb"))
    assert take(queue, "v") == ["a0"]
    assert take(queue, "w") == ["b3"]
    assert take(queue, "x") == ["b4"]
    # It holds b now, and keeps to it though as much is left of a.
    assert take(queue, "x") == ["b5"]
    assert take(queue, "y") == ["a1"]


def test_of_the_programs_that_it_holds_it_goes_on_with_the_one_used_last(first: Pack) -> None:
    queue = PackQueue(packs_of(first, "abc"))
    for _ in range(3):
        take(queue, "w")
    for pack in packs_of(first, "bca"):
        queue.put_back(pack)
    assert [take(queue, "w")[0][0] for _ in range(3)] == ["c", "b", "a"]


def test_a_program_that_it_used_too_long_ago_is_not_held_any_more(first: Pack) -> None:
    names = "abcdefghi"
    assert len(names) == PROGRAMS_HELD + 1
    queue = PackQueue(packs_of(first, names))
    for _ in names:
        take(queue, "w")
    for pack in packs_of(first, "ab"):
        queue.put_back(pack)
    assert take(queue, "w") == ["b1"]
    assert queue.choose("v") == "a"


def test_several_packs_of_one_program_go_together(first: Pack) -> None:
    queue = PackQueue(packs_of(first, "ababa"))
    assert take(queue, "w", 2) == ["a0", "a2"]
    assert take(queue, "w", 2) == ["a4"]
    assert len(queue) == 2


def test_what_is_put_back_comes_first_and_a_worker_that_is_gone_holds_nothing(first: Pack) -> None:
    packs = packs_of(first, "aab")
    queue = PackQueue(packs)
    assert take(queue, "v") == ["a0"]
    queue.put_back(packs[0])
    queue.forget("v")
    queue.forget("nobody")
    assert take(queue, "w") == ["b2"]
    assert take(queue, "x", 9) == ["a0", "a1"]


def test_an_empty_queue_says_so(first: Pack) -> None:
    queue = PackQueue(packs_of(first, "a"))
    take(queue, "w")
    assert not queue
    with pytest.raises(LookupError):
        queue.choose("w")


class Plainly:
    """The rule by brute force: every list is gone through each time."""

    def __init__(self, packs: Sequence[Pack], held: int) -> None:
        self.left = list(packs)
        self.held = held
        self.workers: dict[str, OrderedDict[str, None]] = {}

    def allowed(self, worker: str) -> set[str]:
        programs = {pack.program_key for pack in self.left}
        for program in reversed(self.workers.get(worker, OrderedDict())):
            if program in programs:
                return {program}
        fresh = programs - {program for held in self.workers.values() for program in held}
        counts = {program: sum(pack.program_key == program for pack in self.left) for program in programs}
        return fresh or {program for program, count in counts.items() if count == max(counts.values())}

    def take(self, worker: str, packs: Sequence[Pack]) -> None:
        for pack in packs:
            self.left.remove(pack)
        held = self.workers.setdefault(worker, OrderedDict())
        held[packs[0].program_key] = None
        held.move_to_end(packs[0].program_key)
        while len(held) > self.held:
            held.popitem(last=False)


STEPS = st.lists(st.tuples(st.sampled_from("uvw"), st.integers(0, 3)), max_size=60)


@settings(deadline=None)
@given(programs=st.text("abcdef", max_size=30), steps=STEPS)
def test_choices_are_those_of_the_rule(programs: str, steps: Sequence[tuple[str, int]]) -> None:
    packs = packs_of(_PACK, programs)
    queue, plainly = PackQueue(packs, held=2), Plainly(packs, held=2)
    taken: list[Pack] = []
    for worker, number in steps:
        if number == 0 and taken:
            queue.put_back(taken[0])
            plainly.left.insert(0, taken.pop(0))
        elif number == 1 and len(taken) % 5 == 4:
            queue.forget(worker)
            plainly.workers.pop(worker, None)
        elif queue:
            program = queue.choose(worker)
            assert program in plainly.allowed(worker)
            found = queue.take(worker, program, number + 1)
            assert [pack for pack in plainly.left if pack.program_key == program][: number + 1] == list(found)
            plainly.take(worker, found)
            taken += found
        assert len(queue) == len(plainly.left)


_PACK = Pack(id="", program_key="", trials=(), resources=Resources(), retries=0)
