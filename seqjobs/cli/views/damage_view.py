"""print_damage: what `seqjobs fsck` found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from seqjobs.cli.views.numbers import counted
from seqjobs.cli.views.printable import printable
from seqjobs.results.damage import Damage, Kind


def print_damage(root: Path, found: Sequence[Damage], *, set_aside: bool) -> None:
    """A line for each damaged file, and what to do."""
    for line in _lines(root, found, set_aside=set_aside):
        click.echo(printable(line))


def _lines(root: Path, found: Sequence[Damage], *, set_aside: bool) -> Iterator[str]:
    for damage in found:
        yield f"{damage.path.relative_to(root)}: {damage.what}"
    if not found:
        yield f"{root.name}: every file is as it was written."
    elif set_aside:
        yield f"{counted(len(found), 'file')} set aside in {root / 'damaged'}."
        yield f"Submit {root.name} again: {_cost(found)}."
    elif any(damage.kind is Kind.PLAN for damage in found):
        yield "nothing can stand in for the plan: restore it from a copy, or submit under another --run."
    else:
        command = f"seqjobs fsck {root.name} --repair"
        yield f"Fix: restore from a copy, or `{command}` and submit again: {_cost(found)}."


def _cost(found: Sequence[Damage]) -> str:
    """What the next submit does about it."""
    if any(damage.kind is Kind.SEGMENT for damage in found):
        return "trials whose end was in the log's damaged part train again"
    trials = {trial for damage in found for trial in damage.trials}
    return f"{counted(len(trials), 'trial')} to train again" if trials else "it is written anew"
