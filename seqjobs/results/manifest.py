"""run.json: what a run is, created once before its first trial."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, NoReturn, Self

from seqjobs.data.preparation import Preparation
from seqjobs.errors import NotFoundError, RunFolderError, StorageError
from seqjobs.errors.printable import clipped, printable
from seqjobs.errors.problems import shown
from seqjobs.execution.executor import DatasetFacts
from seqjobs.execution.versions import versions
from seqjobs.jobspec.job_spec import Assignment
from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.planning.choice import Choice
from seqjobs.planning.compile_rule import Compiler
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.results.manifest_check import check_manifest
from seqjobs.results.run_names import FOLDERS, PLAN
from seqjobs.results.stored_values import parse_json
from seqjobs.store.run_store import RunStore, is_link

FORMAT = 2
MAX_DIFFERENCES = 12
MAX_REASON = 300
# Of a plan of a million trials it is half.
MAX_BYTES = 1 << 28
# It stands behind the run's id; trials and specs may come to megabytes.
_HEAD_BYTES = 512


@dataclass(frozen=True, kw_only=True)
class StoredJob:
    """A job as it was submitted: the spec's text verbatim, and the overrides given beside it."""

    name: str
    path: str
    text: str
    overrides: tuple[str, ...]
    objective: ObjectiveSpec
    keep_best: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTrial:
    """A trial as it was planned."""

    id: str
    job: str
    number: int
    repeat: int
    seed: int
    hyperparameters: Assignment
    dataset: str
    key: str
    """What the specs say of it, see `Trial.key`."""
    places: int
    """What was chosen for it, see `Choice`."""
    compiler: Compiler


_TRIAL_FIELDS = tuple(field.name for field in fields(StoredTrial))
_WANTED_FIELDS = tuple(name for name in _TRIAL_FIELDS if name not in ("id", "places", "compiler"))


@dataclass(frozen=True, kw_only=True)
class StoredDataset:
    """A dataset as it was read; `classes` are a string target's, in the order of their indices.

    `preparation` is how rows became features. `file_times` is that of the files before they were read.
    """

    id: str
    fingerprint: str
    feature_shape: tuple[int, ...]
    train_rows: int
    validation_rows: int | None
    classes: tuple[str, ...] | None
    preparation: Preparation
    file_times: str | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of run.json."""

    id: str
    created: str
    versions: Mapping[str, str]
    jobs: tuple[StoredJob, ...]
    trials: tuple[StoredTrial, ...]
    datasets: tuple[StoredDataset, ...]

    @classmethod
    def of(
        cls,
        run_id: str,
        plan: Plan,
        facts: Mapping[str, DatasetFacts],
        *,
        created: str,
        versions: Mapping[str, str],
        file_times: Mapping[str, str | None] = MappingProxyType({}),
    ) -> Self:
        return cls(
            id=run_id,
            created=created,
            versions=versions,
            jobs=_stored_jobs(plan.table),
            trials=_stored_trials(plan),
            datasets=tuple(_stored_dataset(name, fact, file_times.get(name)) for name, fact in facts.items()),
        )

    @property
    def choices(self) -> Mapping[str, Choice]:
        """What was chosen for each trial, by its key."""
        return {trial.key: Choice(places=trial.places, compiler=trial.compiler) for trial in self.trials}

    def dataset(self, dataset_id: str) -> StoredDataset:
        """Return the dataset of an ID. Raises RunFolderError E608."""
        for dataset in self.datasets:
            if dataset.id == dataset_id:
                return dataset
        fix = "restore it from a copy, or submit under another --run."
        raise RunFolderError("E608", f"run.json has no dataset {dataset_id}", fix=fix)

    def encode(self) -> bytes:
        trials = [_trial_tree(trial) for trial in self.trials]
        content = {
            "format": FORMAT,
            "id": self.id,
            "created": self.created,
            "plan": _plan_digest(_wanted(self.trials), self.jobs),
            "versions": dict(self.versions),
            "jobs": [{**job.__dict__, "objective": job.objective.model_dump()} for job in self.jobs],
            "datasets": [_dataset_tree(dataset) for dataset in self.datasets],
        }
        signed = {**content, "sha256": _digest({**content, "trials": trials})}
        # A line a trial: with an indent, Python's encoder takes ten times as long.
        encode = json.JSONEncoder(allow_nan=False).encode
        lines = ",\n  ".join(map(encode, trials))
        head = json.dumps(signed, indent=1, allow_nan=False)
        return f'{head.removesuffix("}").rstrip()},\n "trials": [\n  {lines}\n ]\n}}\n'.encode()

    @classmethod
    def decode(cls, content: bytes, where: str) -> Self:
        """Raises RunFolderError E607 for another format, E608 for what is no manifest."""
        try:
            tree = parse_json(content)
            if tree["format"] != FORMAT:
                raise RunFolderError(
                    "E607", f"this run has format {shown(tree['format'])}, this seqjobs reads format {FORMAT}",
                    where=where, fix="use the version that wrote it.",
                )  # fmt: skip
            if tree.pop("sha256") != _digest(tree):
                what, fix = "this run's plan is damaged", "restore it from a copy, or submit under another --run."
                raise RunFolderError("E608", what, where=where, fix=fix)
            check_manifest(tree)
            return cls(
                id=tree["id"],
                created=tree["created"],
                versions=tree["versions"],
                jobs=tuple(_job(job) for job in tree["jobs"]),
                trials=tuple(map(_trial, tree["trials"])),
                datasets=tuple(_dataset(dataset) for dataset in tree["datasets"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, RunFolderError):
                raise
            what = f"this is not a run's plan: {clipped(printable(error), MAX_REASON)}"
            fix = "restore it from a copy, or submit under another --run."
            raise RunFolderError("E608", what, where=where, fix=fix) from error


def _digest(tree: Mapping[str, Any]) -> str:
    """Of the numbers and words in it, whatever the spaces between them."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_no_links(store: RunStore) -> None:
    """Raises RunFolderError E617 if a part of the run is a symbolic link: files outside might be changed or removed.

    Links within the folders of the run are found when their files are read.
    """
    for name in (PLAN, *FOLDERS):
        if is_link(store, name):
            what, fix = "this is a symbolic link, and a run has none", "put the files themselves there."
            raise RunFolderError("E617", what, where=store.where(name), fix=fix)
    store.is_held()  # It checks the lock likewise.


def read_manifest(store: RunStore) -> Manifest:
    """Return the manifest of a run. Raises NotFoundError if there is none, StorageError E610 if it is unreadable.

    Raises RunFolderError E617 if the store has links, which may lead anywhere.
    """
    check_no_links(store)
    try:
        content = store.get(PLAN, at_most=MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError("E611", "there is no run here", where=store.where(), fix="see `seqjobs ls`.") from error
    except OSError as error:
        what, fix = f"the run cannot be read: {error.strerror}", "check the disk and the permissions there."
        raise StorageError("E610", what, where=store.where(PLAN), fix=fix) from error
    return Manifest.decode(content, store.where(PLAN))


def created_of(store: RunStore) -> str:
    """Return when a run was created, from the beginning of its run.json; "" if that does not say it."""
    return _from_head(store, "created")


def plan_digest_of(store: RunStore) -> str:
    """Return the `plan_digest` of a run, from the beginning of its run.json; "" if that does not say it."""
    return _from_head(store, "plan")


def _from_head(store: RunStore, key: str) -> str:
    try:
        found = re.search(rf'"{key}": "([^"]*)"'.encode(), store.get(PLAN, size=_HEAD_BYTES))
    except OSError:
        return ""
    return found[1].decode(errors="replace") if found else ""


def write_manifest(store: RunStore, manifest: Manifest) -> None:
    """Create the run. Raises StorageError E605 if another process did so at this moment."""
    try:
        store.create(PLAN, manifest.encode())
    except FileExistsError:
        what, fix = "another process has started this run", "let that process finish."
        raise StorageError("E605", what, where=store.where(PLAN), fix=fix) from None


def plan_digest(table: TrialTable) -> str:
    """Return the SHA-256 of what must be equal for specs to resume a run: trials, objectives and what is kept."""
    return _plan_digest(_wanted(table.trials), _stored_jobs(table))


def _plan_digest(wanted: list[dict[str, Any]], jobs: tuple[StoredJob, ...]) -> str:
    goals = [[name, objective.model_dump(), keep_best] for name, objective, keep_best in _goals(jobs)]
    return _digest({"trials": wanted, "goals": goals})


def _wanted(trials: Iterable[StoredTrial | Trial]) -> list[dict[str, Any]]:
    """Return what specs say of trials, which is known before the data is."""
    return [{name: getattr(trial, name) for name in _WANTED_FIELDS} for trial in trials]


def _trial_tree(trial: StoredTrial) -> dict[str, Any]:
    return {name: getattr(trial, name) for name in _TRIAL_FIELDS}


def is_same_plan(manifest: Manifest, table: TrialTable) -> bool:
    """Return whether the specs ask for what the run was created with."""
    same_trials = _wanted(manifest.trials) == _wanted(table.trials)
    return same_trials and _goals(manifest.jobs) == _goals(_stored_jobs(table))


def check_same_plan(manifest: Manifest, table: TrialTable, where: str) -> None:
    """Raises RunFolderError E603, with the difference, if the specs do not ask for what the run was created with."""
    if not is_same_plan(manifest, table):
        _refuse(manifest, table, where)


def check_same_ids(manifest: Manifest, plan: Plan, where: str) -> None:
    """Raises RunFolderError E603 where trials have other IDs once it is known how they are carried out."""
    if [trial.id for trial in manifest.trials] != [trial.id for trial in plan.trials]:
        _refuse(manifest, plan.table, where)


def _refuse(manifest: Manifest, table: TrialTable, where: str) -> NoReturn:
    differences = _differences(manifest.jobs, _stored_jobs(table))
    raise RunFolderError(
        "E603", "this run was created from another spec:\n" + "\n".join(differences), where=where,
        fix="submit under another --run, or restore the spec.",
    )  # fmt: skip


def check_same_data(manifest: Manifest, facts: Mapping[str, DatasetFacts], where: str) -> None:
    """Raises RunFolderError E421 where the data is not what the run was begun with."""
    for dataset in manifest.datasets:
        fact = facts.get(dataset.id)
        if fact is not None and fact.fingerprint != dataset.fingerprint:
            rows = f"{dataset.train_rows:,} training rows then, {fact.schema.train_rows:,} now"
            raise RunFolderError(
                "E421", f"the data has changed since this run began ({rows})", where=where,
                fix="restore the data, or submit under another --run.",
            )  # fmt: skip


def _goals(jobs: tuple[StoredJob, ...]) -> list[Any]:
    return [(job.name, job.objective, job.keep_best) for job in jobs]


def _differences(then: tuple[StoredJob, ...], now: tuple[StoredJob, ...]) -> list[str]:
    lines = difflib.unified_diff(_described(then), _described(now), "then", "now", lineterm="", n=0)
    found = [printable(line) for line in lines if not line.startswith("@@")]
    if not found:
        version = versions()["seqjobs"]
        found = [f"the spec is the same, but its trials differ with seqjobs {version} or other data files"]
    hidden = len(found) - MAX_DIFFERENCES
    return [*found[:MAX_DIFFERENCES], f"... and {hidden} more lines"] if hidden > 0 else found


def _described(jobs: tuple[StoredJob, ...]) -> list[str]:
    lines: list[str] = []
    for job in jobs:
        lines += [f"# {job.name}", *job.text.splitlines(), *(f"-S {text}" for text in job.overrides)]
    return lines


def _stored_jobs(table: TrialTable) -> tuple[StoredJob, ...]:
    return tuple(
        StoredJob(
            name=job.name,
            path=str(job.source.path.absolute()),
            text=job.source.text,
            overrides=job.source.overrides,
            objective=job.objective,
            keep_best=job.keep.best,
        )
        for job in table.jobs
    )


def _stored_trials(plan: Plan) -> tuple[StoredTrial, ...]:
    packs = {trial.id: pack for pack in plan.packs for trial in pack.trials}
    return tuple(
        StoredTrial(
            id=trial.id,
            job=trial.job,
            number=trial.number,
            repeat=trial.repeat,
            seed=trial.seed,
            hyperparameters=dict(trial.hyperparameters),
            dataset=trial.dataset,
            key=trial.key,
            places=packs[trial.id].size,
            compiler=packs[trial.id].compiler,
        )
        for trial in plan.trials
    )


def _stored_dataset(dataset_id: str, fact: DatasetFacts, file_times: str | None) -> StoredDataset:
    return StoredDataset(
        id=dataset_id,
        fingerprint=fact.fingerprint,
        feature_shape=fact.schema.feature_shape,
        train_rows=fact.schema.train_rows,
        validation_rows=fact.schema.validation_rows,
        classes=fact.classes,
        preparation=fact.preparation,
        file_times=file_times,
    )


def _job(tree: dict[str, Any]) -> StoredJob:
    objective = ObjectiveSpec.model_validate(tree["objective"])
    return StoredJob(**{**tree, "objective": objective, "overrides": tuple(tree["overrides"])})


def _trial(tree: dict[str, Any]) -> StoredTrial:
    # Thousands have these in common.
    shared = {name: sys.intern(tree[name]) for name in ("job", "dataset")}
    return StoredTrial(**{**tree, **shared, "compiler": Compiler(tree["compiler"])})


def _dataset_tree(dataset: StoredDataset) -> dict[str, Any]:
    return {**dataset.__dict__, "preparation": dataset.preparation.to_json()}


def _dataset(tree: dict[str, Any]) -> StoredDataset:
    classes = None if tree["classes"] is None else tuple(tree["classes"])
    changed = {
        "classes": classes,
        "feature_shape": tuple(tree["feature_shape"]),
        "preparation": Preparation.from_json(tree["preparation"]),
    }
    return StoredDataset(**{**tree, **changed})
