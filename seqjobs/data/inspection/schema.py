"""inspect_data: the schema of a dataset, from its files' footers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seqjobs.data.column_mistakes import ColumnsError
from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import DataSchema
from seqjobs.data.layout import make_layout
from seqjobs.data.learning import learned_layout, training_rows
from seqjobs.data.survey import survey_data
from seqjobs.errors.unforeseen import unforeseen


def inspect_data(source: DataSource) -> DataSchema:
    """Return the shapes, types and row counts of a dataset.

    Training rows are read only where they determine how many features a column becomes.

    Raises:
        DataError: E401 files not found, E402 columns not found or named twice, E403 columns of another type, E404
            files that differ, E406 no rows, E408, E409 lists that are missing or empty, E410 values that cannot be
            read, E411, E413, E414, E415 files that cannot be read, E416 shapes that do not fit.
    """
    with unforeseen("the columns of the data were checked", source.spec.train[0]):
        survey = survey_data(source)
        if all(chain.output.shape is not None for chain in survey.chains):
            return survey.schema(make_layout(source.spec, survey.chains, survey.target))
        return survey.schema(learned_layout(source, survey, training_rows(survey)))


def inspect_datasets(sources: Iterable[DataSource]) -> Mapping[str, DataSchema]:
    """Return the schema of each dataset, by its ID. Raises as `inspect_data`; one ColumnsError for all datasets."""
    schemas: dict[str, DataSchema] = {}
    wrong: dict[str, ColumnsError] = {}
    for source in sources:
        try:
            schemas[source.id] = inspect_data(source)
        except ColumnsError as error:
            wrong[source.id] = error
    if wrong:
        raise ColumnsError.of(wrong)
    return schemas
