"""data_figures: what a person wants to know of a dataset before training on it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from seqjobs.data.profiles import ColumnProfile, profile_column
from seqjobs.data.read import read_dataset
from seqjobs.data.sample import Sample, read_sample
from seqjobs.errors import DataError
from seqjobs.planning.plan import DataSource

MAX_CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class DataFigures:
    source: DataSource
    sampled_rows: int
    train_rows: int
    columns: tuple[ColumnProfile, ...]
    """Of the sampled rows, in the order of the files; those that are not used too."""
    used: frozenset[str]
    """Those that are features, target or weights."""
    classes: tuple[tuple[str, int], ...]
    """Of a target of classes, each with its training rows, the most frequent first."""
    warnings: tuple[str, ...]
    error: DataError | None
    """Why the rows cannot be trained on; the figures may show it."""


def data_figures(source: DataSource) -> DataFigures:
    """Reads a sample of the rows as they are stored, and all rows as features.

    Raises DataError for files that cannot be read.
    """
    sample = read_sample(source.spec, source.folder)
    names = tuple(sample.rows.schema.names)
    dataset, refused = None, None
    try:
        dataset = read_dataset(source)
    except DataError as error:
        refused = error
    is_class = dataset is not None and dataset.num_classes is not None
    spec = source.spec
    features = names if spec.features is None or spec.others is not None else tuple(spec.features)
    return DataFigures(
        source=source,
        sampled_rows=len(sample.rows),
        train_rows=sample.total_rows,
        columns=tuple(profile_column(field, sample.rows[field.name]) for field in sample.rows.schema),
        used=frozenset((*features, spec.target, *([spec.sample_weight] if spec.sample_weight else []))),
        classes=_classes(sample) if is_class else (),
        warnings=() if dataset is None else dataset.warnings,
        error=refused,
    )


def _classes(sample: Sample) -> tuple[tuple[str, int], ...]:
    counts = pc.value_counts(sample.target)
    pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
    return tuple(sorted(((str(value), rows) for value, rows in pairs), key=lambda pair: -pair[1]))[:MAX_CLASSES]
