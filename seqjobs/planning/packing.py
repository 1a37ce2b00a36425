"""Packing: which trials of a plan train together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from seqjobs.planning.pack_rule import PackSize, pack_size
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack, pack_id
from seqjobs.spec.canonical import digest
from seqjobs.spec.shapes import Shape

Group = list[Pack]
"""Packs of one trial each, which have all in common that the members of a pack must have."""


def packed(plan: Plan, feature_shapes: Mapping[str, Shape], train_rows: Mapping[str, int]) -> Plan:
    """Return the plan with trials in packs if they can train together.

    Takes a plan whose packs hold one trial each. Shapes and rows are by dataset id. A pure function of its arguments.
    Packs of the same assignments under different seeds follow one another.
    """
    groups: dict[tuple[str, str, int], Group] = defaultdict(list)
    for pack in plan.packs:
        trial = pack.trials[0]
        groups[trial.job, pack.shared_key, trial.seed].append(pack)
    of_programs: dict[str, list[Group]] = defaultdict(list)
    for (_, shared_key, _), group in groups.items():
        of_programs[shared_key].append(group)
    sizes = {key: _size(found, feature_shapes, train_rows) for key, found in of_programs.items()}
    by_seed: dict[tuple[str, str], list[list[Pack]]] = defaultdict(list)
    for (job, shared_key, _), group in groups.items():
        by_seed[job, shared_key].append(list(_cut(group, sizes[shared_key])))
    # Each seed has the same assignments, so its packs are cut at the same places.
    return replace(
        plan, packs=tuple(pack for cuts in by_seed.values() for packs in zip(*cuts, strict=True) for pack in packs)
    )


def _size(groups: Sequence[Group], feature_shapes: Mapping[str, Shape], train_rows: Mapping[str, int]) -> PackSize:
    trial = groups[0][0].trials[0]
    return pack_size(
        trial.spec,
        feature_shapes[trial.dataset],
        train_rows=train_rows[trial.dataset],
        groups=[len(group) for group in groups],
    )


def _cut(group: Group, size: PackSize) -> Iterator[Pack]:
    """Packs of one program; the last may have places left."""
    if group[0].resources.workers > 1:
        yield from (replace(pack, reason="its trials span several workers") for pack in group)
        return
    if size.places == 1:
        yield from (replace(pack, reason=size.reason) for pack in group)
        return
    first = group[0]
    program_key = digest({"shared": first.shared_key, "places": size.places})
    for start in range(0, len(group), size.places):
        trials = tuple(pack.trials[0] for pack in group[start : start + size.places])
        yield replace(first, id=pack_id(trials), program_key=program_key, trials=trials, size=size.places)


def halves(pack: Pack) -> tuple[Pack, ...]:
    """The members of a pack in two packs of its program: each has the bits that it would have had.

    One trial is not halved.
    """
    middle = -(-len(pack.trials) // 2)
    parts = (pack.trials[:middle], pack.trials[middle:])
    return tuple(replace(pack, id=pack_id(trials), trials=trials) for trials in parts if trials)
