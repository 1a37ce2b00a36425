"""Checks across the fields and sections of a spec, without reading data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from seqjobs.errors import DataError
from seqjobs.errors.problems import Path, Problems
from seqjobs.jobspec.data_files import find_files, scheme_of
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.dimensions import Dimension, Range
from seqjobs.jobspec.model_check import check_model, check_names
from seqjobs.jobspec.sections import CompileSpec, FitSpec, HeaderSpec, ObjectiveSpec, parse_callbacks
from seqjobs.jobspec.trial_sections import Sections
from seqjobs.tables import OPTIMIZERS, parse_metrics

_DATA_KEYS, _COMPILE_KEYS, _FIT_KEYS = (frozenset(section.model_fields) for section in (DataSpec, CompileSpec, FitSpec))


def check_header(
    header: HeaderSpec, dimensions: tuple[Dimension, ...], *, varies: bool, has_variants: bool, problems: Problems
) -> None:
    """Note where the search section does not fit the dimensions; `varies` if any is written, right or wrong."""
    search, here = header.search, ("search", "trials")
    if search.sampler == "grid":
        if search.trials is not None:
            what = "a grid trains every combination, so the number of trials cannot be chosen"
            problems.add("E209", here, what, fix="remove it, or use the sampler random.", at="key")
        for dimension in dimensions:
            if isinstance(dimension, Range) and dimension.is_continuous:
                fix = "add a step, list values with choice, or use the sampler random."
                problems.add(
                    "E209", dimension.at.text, "a grid needs a finite number of values in each dimension", fix=fix
                )
    elif search.trials is not None and not varies:
        what = "trials are drawn from dimensions, and the spec has none"
        fix = "remove it." if has_variants else "remove it, or write a dimension, such as units: {choice: [32, 64]}."
        problems.add("E209", here, what, fix=fix, at="key")


def check_trial(
    sections: Sections, tree: Mapping[str, Any], objective: ObjectiveSpec | None, problems: Problems
) -> None:
    """Note what the sections together make wrong at one assignment.

    `tree` is what they were read from: with a mistake elsewhere in a section the rest of it is checked all the same.
    """
    data, fit = _mapping(tree.get("data")), _mapping(tree.get("fit"))
    splits = fit.get("validation_split", 0) != 0
    has_data = data.get("validation") is not None
    if has_data and splits:
        what = "the spec has data.validation as well"
        problems.add("E209", ("fit", "validation_split"), what, fix="remove one of the two.", at="key")
    compiled = _mapping(tree.get("compile"))
    # A misspelt key, noted already, may be the metric or the validation that would seem to be missing.
    if data.keys() <= _DATA_KEYS and compiled.keys() <= _COMPILE_KEYS and fit.keys() <= _FIT_KEYS:
        if sections.compile is not None and sections.fit is not None:
            _check_read(sections.compile, sections.fit, objective, has_validation=has_data or splits, problems=problems)
        else:
            _check_names(compiled, fit, objective, has_validation=has_data or splits, problems=problems)
    if sections.data is not None and sections.model is not None:
        shape = declared_shape(sections.data)
        if shape is not None:
            check_model(sections.model, shape, ("model",), problems)


def _check_read(
    compiled: CompileSpec,
    fit: FitSpec,
    objective: ObjectiveSpec | None,
    *,
    has_validation: bool,
    problems: Problems,
) -> None:
    check_names(
        metrics=compiled.metrics,
        weighted=compiled.weighted_metrics,
        callbacks=fit.callbacks,
        optimizer=compiled.optimizer,
        objective=None if objective is None else objective.metric,
        has_validation=has_validation,
        problems=problems,
    )


def _check_names(
    compiled: Mapping[str, Any],
    fit: Mapping[str, Any],
    objective: ObjectiveSpec | None,
    *,
    has_validation: bool,
    problems: Problems,
) -> None:
    unread = Problems()
    metrics = parse_metrics(compiled.get("metrics", []), (), unread)
    weighted = parse_metrics(compiled.get("weighted_metrics", []), (), unread)
    callbacks = parse_callbacks(fit.get("callbacks", []), (), unread)
    if metrics is None or weighted is None or len(unread):
        return
    optimizer = OPTIMIZERS.parse(compiled.get("optimizer"), (), unread)
    check_names(
        metrics=metrics,
        weighted=weighted,
        callbacks=callbacks,
        optimizer=optimizer or OPTIMIZERS.named("Adam"),
        objective=None if objective is None else objective.metric,
        has_validation=has_validation,
        problems=problems,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def check_files(data: DataSpec, written: Mapping[str, Any], folder: FilePath, problems: Problems) -> None:
    """Note paths without data files (E401), and files of another format (E415)."""
    for split, paths in (("train", data.train), ("validation", data.validation or ())):
        for index, path in enumerate(paths):
            if scheme_of(path) is not None:  # checking a spec reaches no host
                continue
            try:
                find_files((path,), folder)
            except DataError as error:
                here: Path = ("data", split, index) if isinstance(written.get(split), list) else ("data", split)
                problems.add(error.code, here, error.what, fix=error.fix)


def declared_shape(data: DataSpec) -> tuple[int, ...] | None:
    """Return the shape of a row's features if the spec gives it: one column with a shape."""
    if data.features is None or data.others is not None or len(data.features) != 1:
        return None
    (column,) = data.features.values()
    return column.shape
