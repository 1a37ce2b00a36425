"""Checks across the fields and sections of a spec, without reading data."""

from __future__ import annotations

from pathlib import Path as FilePath

from seqjobs.errors import DataError
from seqjobs.spec.dimensions import Dimension, Range
from seqjobs.spec.job_spec import Assignment
from seqjobs.spec.model_check import check_model, check_names
from seqjobs.spec.problems import Problems
from seqjobs.spec.sections import DataSpec, HeaderSpec, ObjectiveSpec, TrialSpec
from seqjobs.storage.files import find_files


def check_header(
    header: HeaderSpec, dimensions: tuple[Dimension, ...], variants: tuple[Assignment, ...], problems: Problems
) -> None:
    """Notes what of the search section does not fit the dimensions."""
    search = header.search
    if search.sampler == "grid":
        if search.trials is not None:
            fix = "remove it, or use the sampler random"
            problems.add("E209", ("search", "trials"), "a grid has as many trials as it has points", fix=fix, at="key")
        for dimension in dimensions:
            if isinstance(dimension, Range) and dimension.is_continuous:
                fix = "add a step, list values with choice, or use the sampler random"
                problems.add("E209", dimension.at.text, "a grid needs dimensions with finitely many values", fix=fix)
    elif search.trials is not None and not dimensions:
        what = "trials are drawn from dimensions, and the spec has none"
        fix = "remove it" if variants else "write a dimension, such as units: {choice: [32, 64]}"
        problems.add("E209", ("search", "trials"), what, fix=fix, at="key")


def check_trial(trial: TrialSpec, objective: ObjectiveSpec | None, problems: Problems) -> None:
    """Notes what can be known to be wrong with the sections together at one assignment."""
    if trial.data.validation is not None and trial.fit.validation_split > 0:
        what = "validation data is given already"
        fix = "remove it, or data.validation"
        problems.add("E209", ("fit", "validation_split"), what, fix=fix, at="key")
    has_validation = trial.data.validation is not None or trial.fit.validation_split > 0
    check_names(
        metrics=trial.compile.metrics,
        callbacks=trial.fit.callbacks,
        optimizer=trial.compile.optimizer,
        objective=None if objective is None else objective.metric,
        has_validation=has_validation,
        problems=problems,
    )
    shape = declared_shape(trial.data)
    if shape is not None:
        check_model(trial.model, shape, ("model",), problems)


def check_files(data: DataSpec, folder: FilePath, problems: Problems) -> None:
    """Notes paths behind which there are no data files (E401) or files of another format (E415)."""
    for split, paths in (("train", data.train), ("validation", data.validation or ())):
        for index, path in enumerate(paths):
            try:
                find_files((path,), folder)
            except DataError as error:
                problems.add(error.code, ("data", split, index), error.what, fix=error.fix)


def declared_shape(data: DataSpec) -> tuple[int, ...] | None:
    """The shape of a row's features where the spec itself tells it: one column with a shape."""
    if data.features is None or data.others is not None or len(data.features) != 1:
        return None
    (column,) = data.features.values()
    return column.shape
