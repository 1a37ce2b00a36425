"""export_model: write a finished trial of a run as a `.keras` file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seqjobs.data.exportable import check_exportable
from seqjobs.errors import StorageError
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.resources import Resources
from seqjobs.predict import Start
from seqjobs.results.finished import finished_model, kept_weights, planned_trial, stored_plan
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.run import Run
from seqjobs.results.weights import WeightsStore
from seqjobs.storage import durable


def export_model(
    run: Run,
    trial: StoredTrial,
    out: Path,
    *,
    address: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write the trial's model as a file that `keras.models.load_model` opens, and return its path.

    A best model in the run's folder is copied; others are built by a Ray worker from the kept weights.
    Raises NotFoundError E614 if the weights were not kept.
    """
    digest = kept_weights(run, trial)
    return _published(trial, out, lambda: _content(run, trial, digest, address, warn))


def export_with_preprocessing(run: Run, trial: StoredTrial, out: Path, start: Start) -> Path:
    """Write a model that takes raw columns as a mapping, and gives what `predict` gives for them; return its path.

    Raises NotFoundError E614 and E615, and DataError E422 for a column that Keras's own layers cannot prepare.
    """
    model, _ = finished_model(run, trial)
    check_exportable(model.preparation)
    with start(1) as executor:
        return _published(trial, out, lambda: executor.export_with_preprocessing(model))


def _published(trial: StoredTrial, out: Path, make: Callable[[], bytes]) -> Path:
    if out.is_dir():
        out = out / f"{trial.job}-{trial.id}.keras"
    content = make()
    try:
        durable.replace(out, content)
    except OSError as error:
        what, fix = (
            f"the model cannot be written: {error.strerror}",
            "check the disk and the permissions, or change --out.",
        )
        raise StorageError("E606", what, where=str(out), fix=fix) from error
    return out


def _content(run: Run, trial: StoredTrial, digest: str, address: str | None, warn: Callable[[str], None]) -> bytes:
    for path, trial_id in run.models.items():
        if trial_id == trial.id and path.is_file():
            return path.read_bytes()
    planned = planned_trial(stored_plan(run), trial)
    shape = run.manifest.dataset(trial.dataset).feature_shape
    with RayPool({Resources(gpus=0): 1}, workers=1, address=address, use_kept=True, warn=warn) as pool:
        return pool.export(planned, shape, WeightsStore(run.paths).load(digest))
