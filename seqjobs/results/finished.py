"""finished_model: a trial of a run with its weights, and how rows become its features."""

from __future__ import annotations

from pathlib import Path

from seqjobs.errors import NotFoundError, RunFolderError
from seqjobs.planning.plan import DataSource, Plan, make_plan
from seqjobs.planning.trial import Trial
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.run import Run
from seqjobs.results.weights import WeightsStore
from seqjobs.spec.load import parse_job
from seqjobs.training.finished_model import FinishedModel


def kept_weights(run: Run, trial: StoredTrial) -> str:
    """The name of the trial's weights. Raises NotFoundError E614 where they were not kept."""
    record = run.records.get(trial.id)
    if record is None or record.weights is None or not run.paths.weights_file(record.weights).is_file():
        raise NotFoundError(
            "E614",
            f"the weights of trial {trial.id} were not kept",
            where=str(run.path),
            fix="raise `keep: {best: ...}` in the spec and train again.",
        )
    return record.weights


def finished_model(run: Run, trial: StoredTrial) -> tuple[FinishedModel, DataSource]:
    """The trial's model, and the data that it was trained on.

    Raises NotFoundError: E614 where the weights were not kept, E615 where the run is of a version that did not store
    how rows became features; StorageError E610 where weights cannot be read.
    """
    digest, dataset = kept_weights(run, trial), run.manifest.dataset(trial.dataset)
    if dataset.preparation is None:
        raise NotFoundError(
            "E615",
            f"an earlier version of seqjobs made run {run.id} and did not store how rows become features",
            where=str(run.path),
            fix="submit its spec again under another --run; `seqjobs export` writes its models as they are.",
        )
    plan = stored_plan(run)
    model = FinishedModel(
        trial=planned_trial(plan, trial),
        weights=WeightsStore(run.paths).load(digest),
        digest=digest,
        preparation=dataset.preparation,
        classes=dataset.classes,
    )
    return model, next(source for source in plan.datasets if source.id == trial.dataset)


def planned_trial(plan: Plan, trial: StoredTrial) -> Trial:
    """The trial with its sections. Raises RunFolderError E608 if the specs in run.json do not make it."""
    for found in plan.trials:
        if found.id == trial.id:
            return found
    what, fix = f"the specs in run.json do not make trial {trial.id}", "use the version of seqjobs that made the run."
    raise RunFolderError("E608", what, fix=fix)


def stored_plan(run: Run) -> Plan:
    """The plan that a run was created from, out of the specs it keeps."""
    return make_plan([parse_job(job.text, Path(job.path), job.overrides) for job in run.jobs])
