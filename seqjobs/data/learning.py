"""learned_layout: the layout of a dataset, with what its operations learn from the rows that are trained on."""

from __future__ import annotations

from seqjobs.data.data_source import DataSource
from seqjobs.data.layout import Layout, make_layout
from seqjobs.data.split_rows import split_rows
from seqjobs.data.streamed.window import DEFAULT_MEMORY
from seqjobs.data.survey import Survey
from seqjobs.data.training_rows import TrainingRows
from seqjobs.errors import DataError

LEAST_MEMORY = 64 << 20
"""Bytes that learning may take however small `data.memory` is: as much as a piece of the rows takes."""


def training_rows(survey: Survey) -> TrainingRows:
    """The training rows; they stay in memory where they are needed for learning and again for training, if they may."""
    rows = survey.train_rows + (survey.validation_rows or 0)
    memory = max(LEAST_MEMORY, survey.memory or DEFAULT_MEMORY)
    kept = survey.learns and rows * survey.least_row_bytes <= memory
    return TrainingRows(survey.train, survey.names, survey.batch_rows, memory=memory, kept=kept)


def learned_layout(source: DataSource, survey: Survey, rows: TrainingRows) -> Layout:
    """Read the rows if something is learned from them. Raises DataError (E403, E406, E416, E417, and of rows)."""
    chains = survey.chains
    if survey.learns:
        learned_from = split_rows(survey.train_rows, source.validation_split)
        if not learned_from:
            what = (
                f"fit.validation_split {source.validation_split} leaves none of {survey.train_rows:,} rows to train on"
            )
            raise DataError("E406", what, where="data.train", fix="hold back less, or name files with more rows.")
        chains = rows.learned(chains, learned_from)
    return make_layout(source.spec, chains, survey.target)
