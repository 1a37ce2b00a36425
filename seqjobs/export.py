"""export_model: a finished trial of a run -> a `.keras` file."""

from __future__ import annotations

from pathlib import Path

from seqjobs.errors import NotFoundError, StorageError
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.plan import Plan, make_plan
from seqjobs.planning.resources import Resources
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.run import Run
from seqjobs.results.weights import WeightsStore
from seqjobs.spec.load import parse_job
from seqjobs.storage import durable


def export_model(run: Run, trial: StoredTrial, out: Path, *, address: str | None = None) -> Path:
    """Writes the trial's model as a file that `keras.models.load_model` opens by itself, and returns its path.

    A best model that lies in the run's folder is copied; others are built by a Ray worker from the kept weights.
    Raises NotFoundError E614 where the weights were not kept.
    """
    record = run.records.get(trial.id)
    if record is None or record.weights is None or not run.paths.weights_file(record.weights).is_file():
        raise NotFoundError(
            "E614",
            f"the weights of trial {trial.id} were not kept",
            where=str(run.path),
            fix="raise `keep: {best: ...}` in the spec and train again.",
        )
    if out.is_dir():
        out = out / f"{trial.job}-{trial.id}.keras"
    content = _content(run, trial, record.weights, address)
    try:
        durable.replace(out, content)
    except OSError as error:
        raise StorageError("E606", f"the model cannot be written: {error.strerror}", where=str(out)) from error
    return out


def _content(run: Run, trial: StoredTrial, digest: str, address: str | None) -> bytes:
    for path, trial_id in run.models.items():
        if trial_id == trial.id and path.is_file():
            return path.read_bytes()
    planned = next(found for found in stored_plan(run).trials if found.id == trial.id)
    shape = run.manifest.dataset(trial.dataset).feature_shape
    with RayPool({Resources(gpus=0): 1}, workers=1, address=address, use_kept=True) as pool:
        return pool.export(planned, shape, WeightsStore(run.paths).load(digest))


def stored_plan(run: Run) -> Plan:
    """The plan that a run was created from, out of the specs it keeps."""
    return make_plan([parse_job(job.text, Path(job.path), job.overrides) for job in run.jobs])
