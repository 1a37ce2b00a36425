"""LabelledRows: new rows with their targets, on which a model is evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pyarrow as pa

from seqjobs.data.columns import column_type, length_of_first
from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import Array, Split
from seqjobs.data.layout import Layout
from seqjobs.data.new_features import new_features, new_layout
from seqjobs.data.new_rows import NewRows, new_source
from seqjobs.data.place import Place
from seqjobs.data.preparation import Preparation
from seqjobs.data.tally import Tally
from seqjobs.data.target import TargetArray, target_array
from seqjobs.data.weights import WeightArray
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import shown
from seqjobs.operations.column_type import ColumnType


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """Where the rows are and how they are prepared; nothing is read yet. Create it with `of`."""

    source: DataSource
    preparation: Preparation
    classes: tuple[str, ...] | None
    integer: bool
    """Whether the target must be whole numbers, because they are classes."""

    @classmethod
    def of(
        cls,
        source: DataSource,
        paths: Sequence[str],
        folder: Path,
        *,
        preparation: Preparation,
        classes: tuple[str, ...] | None,
        integer: bool,
    ) -> Self:
        """Return rows that are read as those of a run were. Raises DataError for a path that a spec may not have."""
        found = new_source(source, paths, folder)
        return cls(source=found, preparation=preparation, classes=classes, integer=integer)

    def blocks(self) -> Iterator[Split]:
        """Yield all rows in their order. Raises DataError as for training rows, once all wrong rows were counted."""
        spec = self.source.spec
        others = (spec.target, *([spec.sample_weight] if spec.sample_weight else []))
        texts = (spec.target,) if self.classes else ()
        rows, tally = NewRows.find(self.source, self.preparation, others, texts=texts), Tally()
        for file in rows.files:
            self._layout(file.schema, file.name)
        for batch, place in rows.batches():
            block = self._block(batch, place, tally)
            if not tally:
                yield block
        tally.check(rows.rows)

    def _block(self, batch: pa.RecordBatch, place: Place, tally: Tally) -> Split:
        layout, found = self._layout(batch.schema, place.path, batch), Tally()
        features = new_features(layout, batch, place, found)
        target = target_array(layout, batch.num_rows, found, self.classes)
        target.write(batch.column(layout.target), 0, place)
        weights = None if layout.weight is None else WeightArray(layout.weight, batch.num_rows, found)
        if weights is not None and layout.weight is not None:
            weights.write(batch.column(layout.weight), 0, place)
        tally.merge(found)
        return Split(
            features=features,
            target=_finished(target, place),
            weight=None if weights is None else weights.finish(),
        )

    def _layout(self, schema: pa.Schema, where: str, batch: pa.RecordBatch | None = None) -> Layout:
        spec = self.source.spec
        kind = self._target_type(schema.field(spec.target), where, batch)
        weight = spec.sample_weight
        return new_layout(self.preparation, schema, where, target=spec.target, target_type=kind, weight=weight)

    def _target_type(self, field: pa.Field, where: str, batch: pa.RecordBatch | None) -> ColumnType:
        try:
            found = column_type(field)
        except DataError as error:
            raise DataError(error.code, error.what, where=printable(where), fix=error.fix) from None
        wanted = "strings" if self.classes else "whole numbers" if self.integer else "numbers"
        fits = {
            "strings": found.kind == "string",
            "whole numbers": found.kind in ("integer", "bool"),
            "numbers": found.is_number,
        }
        if not fits[wanted]:
            what = f"target {shown(field.name)} is {found}, and the model was trained on {wanted}"
            raise DataError("E420", what, where=printable(where), fix="write the column with that type.")
        if found.shape is None:
            length = 1 if batch is None else length_of_first(batch.column(field.name), field.name, where)
            return replace(found, shape=(length,))
        return found


def _finished(target: TargetArray, place: Place) -> Array:
    try:
        return target.finish()[0]
    except DataError as error:  # of classes that no training row has
        raise DataError(error.code, error.what, where=place.where, fix="remove these rows.") from None
