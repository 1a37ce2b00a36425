"""export_model: write a finished trial of a run as a `.keras` file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from seqjobs.data.exportable import check_exportable
from seqjobs.errors import StorageError
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.resources import Resources
from seqjobs.predict import Start
from seqjobs.results.finished import finished_model, kept_weights, planned_trial
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.run import Run
from seqjobs.results.weights import WeightsStore
from seqjobs.store import durable
from seqjobs.store.run_store import is_there


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
    Raises NotFoundError E614 if the weights were not kept, StorageError E609 if the weights or the model are damaged.
    """
    digest = kept_weights(run, trial)
    return _published(trial, out, lambda: _content(run, trial, digest, address, warn))


def export_with_preprocessing(run: Run, trial: StoredTrial, out: Path, start: Start) -> Path:
    """Write a model that takes raw columns as a mapping, and gives what `predict` gives for them; return its path.

    Raises NotFoundError E614, and DataError E422 for a column that Keras's own layers cannot prepare.
    """
    model, _ = finished_model(run, trial)
    check_exportable(model.preparation)
    with start(1) as executor:
        return _published(trial, out, lambda: executor.export_with_preprocessing(model))


def _published(trial: StoredTrial, out: Path, make: Callable[[], bytes]) -> Path:
    if out.is_dir():
        out = out / f"{trial.job}-{trial.id}.keras"
    durable.remove_leftovers(out.parent)
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


def _copied(run: Run, name: str) -> bytes:
    """Return the content of a model that a submit has written. Raises StorageError E609 or E610."""
    fix = "move it away with `seqjobs fsck --repair`, and submit again."
    try:
        content = run.store.get(name)
    except OSError as error:
        what = f"the model cannot be read: {error.strerror}"
        raise StorageError("E610", what, where=run.store.where(name), fix=fix) from error
    if hashlib.sha256(content).hexdigest() != run.model_digest(name):
        raise StorageError("E609", "this model is not the one that was written", where=run.store.where(name), fix=fix)
    return content


def _content(run: Run, trial: StoredTrial, digest: str, address: str | None, warn: Callable[[str], None]) -> bytes:
    for name, trial_id in run.written_models.items():
        if trial_id == trial.id and is_there(run.store, name):
            return _copied(run, name)
    planned = planned_trial(run, trial)
    shape = run.manifest.dataset(trial.dataset).feature_shape
    with RayPool({Resources(gpus=0): 1}, workers=1, address=address, use_kept=True, warn=warn) as pool:
        return pool.export(planned, shape, WeightsStore(run.store).load(digest))
