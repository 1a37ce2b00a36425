"""read_figures: what a person wants to know about a dataset before training on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import Dataset
from seqjobs.data.inspection.column_profile import ColumnProfile, profile_column
from seqjobs.data.inspection.sample import Sample, count_classes, read_sample
from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError, SpecError


@dataclass(frozen=True, kw_only=True)
class DataFigures:
    """The figures of one dataset."""

    source: DataSource
    sampled_rows: int
    train_rows: int
    columns: tuple[ColumnProfile, ...]
    """Profiles of the sampled rows, in the order of the files; columns that are not used included."""
    used: frozenset[str]
    """Columns that are features, target or weights."""
    classes: tuple[tuple[str, int], ...]
    """For a target of classes, each with its training rows, the most frequent first."""
    warnings: tuple[str, ...]
    error: DataError | SpecError | None
    """Why no model, or not every model of the plan, can be trained on the rows; the figures may show it."""


def read_figures(source: DataSource, check: Callable[[Dataset], tuple[str, ...]]) -> DataFigures:
    """Read a sample of a dataset's rows as they are stored, and all rows as features.

    Args:
        source: What to read.
        check: Compares models with the rows. Returns warnings, and raises SpecError, which goes into the figures.

    Raises:
        DataError: For files that cannot be read.
    """
    spec = source.spec
    sample = read_sample(spec, source.folder)
    names = tuple(sample.rows.schema.names)
    features = names if spec.features is None or spec.others is not None else tuple(spec.features)
    figures = DataFigures(
        source=source,
        sampled_rows=len(sample.rows),
        train_rows=sample.total_rows,
        columns=tuple(profile_column(field, sample.rows[field.name]) for field in sample.rows.schema),
        used=frozenset((*features, spec.target, *([spec.sample_weight] if spec.sample_weight else []))),
        classes=(),
        warnings=(),
        error=None,
    )
    try:
        dataset = read_dataset(source)
    except DataError as error:
        return replace(figures, error=error)
    return _with_checks(figures, dataset, sample, check)


def raise_errors(figures: Iterable[DataFigures]) -> None:
    """Raise what keeps `submit` from training: the first DataError, or a SpecError with the mistakes of all models."""
    errors = [found.error for found in figures if found.error is not None]
    for error in errors:
        if isinstance(error, DataError):
            raise error
    problems = [problem for error in errors if isinstance(error, SpecError) for problem in error.problems]
    if problems:
        raise SpecError(problems)


def _with_checks(
    figures: DataFigures, dataset: Dataset, sample: Sample, check: Callable[[Dataset], tuple[str, ...]]
) -> DataFigures:
    classes = count_classes(sample) if dataset.num_classes is not None else ()
    warnings, error = dataset.warnings, None
    try:
        warnings += check(dataset)
    except SpecError as refused:
        error = refused
    return replace(figures, classes=classes, warnings=warnings, error=error)
