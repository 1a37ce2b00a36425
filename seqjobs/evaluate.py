"""evaluate_rows: the loss and metrics of a finished trial on other labelled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.jobspec.model_check import needs_integer
from seqjobs.predict import Start
from seqjobs.results.finished import finished_model
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.run import Run


def evaluate_rows(run: Run, trial: StoredTrial, paths: Sequence[str], start: Start) -> Mapping[str, float]:
    """Return metrics by name, loss first, as Keras's `evaluate` of the model does.

    Rows count by `data.sample_weight`, if the spec has one. Paths are those of `data.train`, from the current folder.
    Raises NotFoundError E614, ClusterError, and DataError as training does.
    """
    model, source = finished_model(run, trial)
    rows = LabelledRows.of(
        source,
        paths,
        Path.cwd(),
        preparation=model.preparation,
        classes=model.classes,
        integer=needs_integer(model.trial.spec.compile.loss),
    )
    with start(1) as executor:
        return executor.evaluate(model, rows)
