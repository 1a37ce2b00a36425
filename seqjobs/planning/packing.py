"""Packing: which trials train together, and by which compiler."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from seqjobs.data.dataset import DataSchema
from seqjobs.data.split_rows import split_rows
from seqjobs.jobspec.canonical import digest
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.planning.choice import Choice
from seqjobs.planning.compile_rule import compiler_for
from seqjobs.planning.expansion import TrialTable, resources_of
from seqjobs.planning.pack_rule import PackSize, pack_size
from seqjobs.planning.proposals import MAX_TRIALS
from seqjobs.planning.trial import Pack, Trial, pack_id


def choose(table: TrialTable, schemas: Mapping[str, DataSchema]) -> Mapping[str, Choice]:
    """Choose how each trial is carried out: places for all that may train together, a compiler for each program.

    Args:
        table: The trials, whose models fit their data.
        schemas: By dataset ID.

    Returns:
        Choices by the key of a trial: a pure function of the arguments.
    """
    jobs = {job.name: job for job in table.jobs}
    num_sharing = Counter(map(_program_of, table.trials))
    groups: dict[tuple[str, int], dict[tuple[str, int], list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for trial in table.trials:
        workers = jobs[trial.job].resources.workers
        groups[trial.template.key, workers][trial.job, trial.seed].append(trial)
    found: dict[str, Choice] = {}
    for (_, workers), of_seeds in groups.items():
        first = next(iter(of_seeds.values()))[0]
        schema = schemas[first.dataset]
        size = _size(first, schema, workers, [len(group) for group in of_seeds.values()])
        # Templates and sizes are equal here: choices depend on nothing else but how many trials share a program.
        made: dict[int, Choice] = {}
        for trial in (trial for group in of_seeds.values() for trial in group):
            sharing = num_sharing[_program_of(trial)]
            if sharing not in made:
                made[sharing] = _choice(trial, size, schema, workers, sharing)
            found[trial.key] = made[sharing]
    return found


def _program_of(trial: Trial) -> object:
    """Return what is equal for trials that share a program if each trains by itself."""
    return trial.template.program, trial.template.fixed_numbers(trial.numbers)


def pack_trials(table: TrialTable, choices: Mapping[str, Choice]) -> tuple[Pack, ...]:
    """Return all trials in packs, with the IDs that follow from the choices, which are by the key of a trial.

    Packs of the same assignments under different seeds follow one another, so that few assignments are incomplete at a
    time: the weights of those are kept, whatever their values.
    """
    jobs = {job.name: job for job in table.jobs}
    groups: dict[str, dict[tuple[str, int], dict[int, list[Trial]]]] = {}
    for trial in table.trials:
        of_template = groups.setdefault(trial.template.key, {})
        of_seeds = of_template.setdefault((trial.job, choices[trial.key].places), {})
        of_seeds.setdefault(trial.seed, []).append(trial)
    packs: list[Pack] = []
    for of_template in groups.values():
        for (name, places), of_seeds in of_template.items():
            cuts = [list(_cut(jobs[name], group, places, choices)) for group in of_seeds.values()]
            # Each seed has the same assignments, so its packs are cut at the same places.
            packs.extend(pack for together in zip(*cuts, strict=True) for pack in together)
    return tuple(packs)


def _size(trial: Trial, schema: DataSchema, workers: int, groups: Sequence[int]) -> PackSize:
    if workers > 1:
        return PackSize(places=1, reason="its trials span several workers")
    return pack_size(trial.template.spec, schema.feature_shape, train_rows=schema.train_rows, groups=groups)


def _choice(trial: Trial, size: PackSize, schema: DataSchema, workers: int, num_sharing: int) -> Choice:
    if workers > 1:
        return Choice(reason=size.reason)
    spec, shape = trial.template.spec, schema.feature_shape
    batches = -(-split_rows(schema.train_rows, spec.fit.validation_split) // spec.fit.batch_size)
    # Members that have to train one by one after all do so by the compiler of the pack, if they can.
    steps = math.inf if size.places > 1 else batches * spec.fit.epochs * num_sharing
    return Choice(places=size.places, compiler=compiler_for(spec, shape, steps=steps), reason=size.reason)


def _cut(job: JobSpec, group: Sequence[Trial], places: int, choices: Mapping[str, Choice]) -> Iterator[Pack]:
    """Yield packs of one program, or of one trial each; the last may have places left."""
    resources = resources_of(job)
    # The mean over repeats decides which assignment is best, and a pack knows one repeat of each.
    keep_best = job.keep.best if job.search.repeats == 1 else min(job.keep.best, 1) * MAX_TRIALS
    for start in range(0, len(group), places):
        members, first = group[start : start + places], group[start]
        choice = choices[first.key]
        trials = tuple(_identified(trial, choices[trial.key]) for trial in members)
        shared = first.template.key
        yield Pack(
            id=pack_id(trials),
            program_key=digest({"shared": shared, "places": places}) if places > 1 else first.program_key,
            trials=trials,
            size=places,
            reason=choice.reason,
            compiler=choice.compiler,
            resources=resources,
            retries=job.limits.retries,
            checkpoint_seconds=job.limits.checkpoint,
            stall=job.limits.stall,
            objective=job.objective,
            keep_best=keep_best,
        )


def _identified(trial: Trial, choice: Choice) -> Trial:
    trial_id = choice.trial_id(trial.key)
    # Most trials have it already, and a search has thousands.
    return trial if trial.id == trial_id else replace(trial, id=trial_id)


def halves(pack: Pack) -> tuple[Pack, ...]:
    """Return the members of a pack in two packs of its program: each has the bits that it would have had.

    One trial is not halved.
    """
    middle = -(-len(pack.trials) // 2)
    parts = (pack.trials[:middle], pack.trials[middle:])
    return tuple(replace(pack, id=pack_id(trials), trials=trials) for trials in parts if trials)
