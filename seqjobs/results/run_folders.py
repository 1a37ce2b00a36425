"""Finding runs and trials by what a person types."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from seqjobs.errors import NotFoundError, RunFolderError
from seqjobs.errors.problems import shown
from seqjobs.planning.plan import Plan
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.manifest import StoredTrial, created_of
from seqjobs.results.run import Run
from seqjobs.spec.sections import NAME_PATTERN
from seqjobs.storage.durable import ASIDE_PREFIX

MAX_ID_LENGTH = 63
# What a submit that was stopped before its first trial may have left.
_BEFORE_THE_PLAN = frozenset({"lock", "log", "weights", "logs", "checkpoints"})


def new_run_id(plan: Plan) -> str:
    """A name that sorts by time and says what is in it: `20261122-231500-quickstart`."""
    name = plan.jobs[0].name if len(plan.jobs) == 1 else f"{len(plan.jobs)}-jobs"
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"[:MAX_ID_LENGTH]


def run_folder(runs_dir: Path, run_id: str) -> RunPaths:
    """The folder of a run. Raises RunFolderError E701 for what is no id, E601 where it would hide a file."""
    if not re.fullmatch(NAME_PATTERN, run_id):
        what = f"{shown(run_id)} is not a run id: small letters, digits, '.', '_', '-', at most 63"
        raise RunFolderError("E701", what, fix="choose another --run.")
    root = runs_dir / run_id
    if root.exists() and not root.is_dir():
        raise RunFolderError("E601", "this is a file, not a run's folder", where=str(root), fix="choose another --run.")
    if root.is_dir() and not RunPaths(root=root).plan.exists():
        strange = sorted(path.name for path in root.iterdir() if not _is_before_the_plan(path.name))
        if strange:
            what = f"this folder holds other things than a run ({', '.join(strange[:3])})"
            raise RunFolderError("E601", what, where=str(root), fix="choose another --run.")
    return RunPaths(root=root)


def _is_before_the_plan(name: str) -> bool:
    return name in _BEFORE_THE_PLAN or name.startswith(ASIDE_PREFIX)


def list_runs(runs_dir: Path) -> tuple[Path, ...]:
    """The folders of all runs, newest first; reads no more of them than when they were created."""
    if not runs_dir.is_dir():
        return ()
    runs = [path for path in runs_dir.iterdir() if RunPaths(root=path).plan.is_file()]
    return tuple(sorted(runs, key=_age, reverse=True))


def _age(root: Path) -> tuple[str, int, str]:
    """Grows with the time at which a run was created; times of files, which a copy has anew, count within a second."""
    plan = RunPaths(root=root).plan
    return created_of(plan), plan.stat().st_mtime_ns, root.name


def find_run(runs_dir: Path, prefix: str | None) -> Path:
    """The newest run for None, else the one of that path, id, or unique beginning of an id. Raises NotFoundError."""
    if prefix is not None and RunPaths(root=Path(prefix)).plan.is_file():
        return Path(prefix)
    runs = list_runs(runs_dir)
    if prefix is None:
        if runs:
            return runs[0]
        raise NotFoundError("E611", "there are no runs yet", where=str(runs_dir), fix="run `seqjobs submit SPEC`.")
    names = {path.name: path for path in runs}
    return names[_match(prefix, list(names), "run", str(runs_dir), "see `seqjobs ls`.")]


def find_trial(run: Run, prefix: str | None) -> StoredTrial:
    """The best trial for None, else the one of that id or unique beginning of it. Raises NotFoundError."""
    if prefix is None:
        if run.best is not None:
            return run.trial(run.best.trial)
        raise NotFoundError("E612", f"no trial of run {run.id} has finished", where=str(run.path), fix="name one.")
    trials = {trial.id: trial for trial in run.trials}
    return trials[_match(prefix, list(trials), "trial", str(run.path), "see `seqjobs results`.")]


def _match(prefix: str, names: list[str], kind: str, where: str, fix: str) -> str:
    if prefix in names:
        return prefix
    found = [name for name in names if name.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    what = f"no {kind} '{prefix}'" if not found else f"'{prefix}' begins {len(found)} {kind}s: {', '.join(found[:5])}"
    raise NotFoundError("E612", what, where=where, fix=fix if not found else "write more of the id.")
