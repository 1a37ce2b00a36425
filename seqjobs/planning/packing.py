"""Packing: which trials of a plan train together, and by which compiler."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from seqjobs.data.split_rows import split_rows
from seqjobs.jobspec.canonical import digest
from seqjobs.jobspec.shapes import Shape
from seqjobs.planning.choice import Choice
from seqjobs.planning.compile_rule import compiler_for
from seqjobs.planning.pack_rule import PackSize, pack_size
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack, Trial, pack_id

Group = list[Pack]
"""Packs of one trial each, which have all in common that the members of a pack must have."""


def packed(plan: Plan, feature_shapes: Mapping[str, Shape], train_rows: Mapping[str, int]) -> Plan:
    """Return the plan with trials in packs if they can train together, and with the IDs that follow from that.

    Takes a plan whose packs hold one trial each. Shapes and rows are by dataset id. A pure function of its arguments.
    Packs of the same assignments under different seeds follow one another.
    """
    return packed_as(plan, _choices(plan, feature_shapes, train_rows))


def packed_as(plan: Plan, choices: Mapping[str, Choice]) -> Plan:
    """Return the plan as `packed` does, with choices that were made before, by the key of a trial."""
    groups: dict[tuple[str, str, int, int], Group] = defaultdict(list)
    for pack in plan.packs:
        trial = pack.trials[0]
        groups[trial.job, pack.shared_key, choices[trial.key].places, trial.seed].append(pack)
    by_seed: dict[tuple[str, str, int], list[list[Pack]]] = defaultdict(list)
    for (job, shared_key, places, _), group in groups.items():
        by_seed[job, shared_key, places].append(list(_cut(group, places, choices)))
    # Each seed has the same assignments, so its packs are cut at the same places.
    return replace(
        plan, packs=tuple(pack for cuts in by_seed.values() for packs in zip(*cuts, strict=True) for pack in packs)
    )


def _choices(plan: Plan, feature_shapes: Mapping[str, Shape], train_rows: Mapping[str, int]) -> Mapping[str, Choice]:
    """Choose for each trial, by its key: places for all that may train together, a compiler for each program."""
    num_sharing = Counter(pack.program_key for pack in plan.packs)
    of_programs: dict[tuple[str, int], dict[tuple[str, int], Group]] = defaultdict(lambda: defaultdict(list))
    for pack in plan.packs:
        groups = of_programs[pack.shared_key, pack.resources.workers]
        groups[pack.trials[0].job, pack.trials[0].seed].append(pack)
    found: dict[str, Choice] = {}
    for groups in of_programs.values():
        first = next(iter(groups.values()))[0]
        shape, rows = feature_shapes[first.dataset], train_rows[first.dataset]
        size = _size(first, shape, rows, [len(group) for group in groups.values()])
        made: dict[str, Choice] = {}
        for pack in (pack for group in groups.values() for pack in group):
            choice = made.get(pack.program_key)
            if choice is None:
                choice = _choice(pack, size, shape, rows, num_sharing[pack.program_key])
                made[pack.program_key] = choice
            found[pack.trials[0].key] = choice
    return found


def _size(pack: Pack, shape: Shape, train_rows: int, groups: Sequence[int]) -> PackSize:
    if pack.resources.workers > 1:
        return PackSize(places=1, reason="its trials span several workers")
    return pack_size(pack.trials[0].spec, shape, train_rows=train_rows, groups=groups)


def _choice(pack: Pack, size: PackSize, shape: Shape, train_rows: int, num_sharing: int) -> Choice:
    spec = pack.trials[0].spec
    if pack.resources.workers > 1:
        return Choice(reason=size.reason)
    batches = -(-split_rows(train_rows, spec.fit.validation_split) // spec.fit.batch_size)
    # Members that have to train one by one after all do so by the compiler of the pack, if they can.
    steps = math.inf if size.places > 1 else batches * spec.fit.epochs * num_sharing
    return Choice(places=size.places, compiler=compiler_for(spec, shape, steps=steps), reason=size.reason)


def _cut(group: Group, places: int, choices: Mapping[str, Choice]) -> Iterator[Pack]:
    """Packs of one program, or of one trial each; the last may have places left."""
    for start in range(0, len(group), places):
        first = group[start]
        choice = choices[first.trials[0].key]
        trials = tuple(_identified(pack.trials[0], choices) for pack in group[start : start + places])
        program_key = digest({"shared": first.shared_key, "places": places}) if places > 1 else first.program_key
        yield replace(
            first,
            id=pack_id(trials),
            program_key=program_key,
            trials=trials,
            size=places,
            reason=choice.reason,
            compiler=choice.compiler,
        )


def _identified(trial: Trial, choices: Mapping[str, Choice]) -> Trial:
    trial_id = choices[trial.key].trial_id(trial.key)
    # Most trials have it already, and a search has thousands.
    return trial if trial.id == trial_id else replace(trial, id=trial_id)


def halves(pack: Pack) -> tuple[Pack, ...]:
    """The members of a pack in two packs of its program: each has the bits that it would have had.

    One trial is not halved.
    """
    middle = -(-len(pack.trials) // 2)
    parts = (pack.trials[:middle], pack.trials[middle:])
    return tuple(replace(pack, id=pack_id(trials), trials=trials) for trials in parts if trials)
