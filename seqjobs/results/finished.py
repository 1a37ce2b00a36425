"""finished_model: a trial of a run with its weights, and how rows become its features."""

from __future__ import annotations

from pathlib import Path

from seqjobs.data.data_source import DataSource
from seqjobs.errors import NotFoundError, RunFolderError, SeqjobsError
from seqjobs.jobspec.load import parse_stored_job
from seqjobs.planning.template import Template
from seqjobs.planning.trial import Trial
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.run import Run
from seqjobs.results.run_names import PLAN, weights_name
from seqjobs.results.weights import WeightsStore
from seqjobs.store.run_store import is_there
from seqjobs.training.finished_model import FinishedModel


def kept_weights(run: Run, trial: StoredTrial) -> str:
    """The name of the trial's weights. Raises NotFoundError E614 where they were not kept."""
    record = run.records.get(trial.id)
    if record is None or record.weights is None or not is_there(run.store, weights_name(record.weights)):
        raise NotFoundError(
            "E614",
            f"the weights of trial {trial.id} were not kept",
            where=run.store.where(),
            fix="raise `keep: {best: ...}` in the spec and train again.",
        )
    return record.weights


def finished_model(run: Run, trial: StoredTrial) -> tuple[FinishedModel, DataSource]:
    """The trial's model, and what the spec says of the data that it was trained on, which may be gone.

    Raises NotFoundError E614 where the weights were not kept; StorageError E610 where weights cannot be read.
    """
    digest, dataset = kept_weights(run, trial), run.manifest.dataset(trial.dataset)
    planned = planned_trial(run, trial)
    model = FinishedModel(
        trial=planned,
        weights=WeightsStore(run.store).load(digest),
        digest=digest,
        preparation=dataset.preparation,
        classes=dataset.classes,
    )
    job = next(job for job in run.jobs if job.name == trial.job)
    return model, DataSource(id=trial.dataset, spec=planned.spec.data, folder=Path(job.path).parent)


def planned_trial(run: Run, trial: StoredTrial) -> Trial:
    """The trial with its sections, out of the spec that the run keeps. No data file is looked for.

    Raises SpecError or RunFolderError E608 if the spec and the trial of run.json do not belong together.
    """
    stored = next(job for job in run.jobs if job.name == trial.job)
    job = parse_stored_job(stored.text, Path(stored.path), stored.overrides)
    try:
        spec = job.trial(trial.hyperparameters)
    except SeqjobsError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        what = f"the hyperparameters of trial {trial.id} are not those of its spec"
        raise RunFolderError("E608", what, where=run.store.where(PLAN), fix="restore it from a copy.") from error
    template = Template.of(spec, trial.dataset)
    return Trial(
        id=trial.id,
        key=trial.key,
        job=trial.job,
        number=trial.number,
        repeat=trial.repeat,
        seed=trial.seed,
        hyperparameters=trial.hyperparameters,
        template=template,
        numbers=template.numbers,
    )
