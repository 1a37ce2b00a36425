"""new_features: new rows -> features, prepared as the rows of the training were."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pyarrow as pa

from seqjobs.data.chain import Chain
from seqjobs.data.columns import stored_type
from seqjobs.data.features import FeatureArray
from seqjobs.data.layout import FeatureColumn, Layout
from seqjobs.data.place import Place
from seqjobs.data.preparation import Preparation
from seqjobs.data.tally import Tally
from seqjobs.data.trained_values import DIGITS_LOST, as_looked_up, is_converted, is_hash_of_texts, note_lost_digits
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import shown
from seqjobs.operations._base import Note
from seqjobs.operations.arrays import Array
from seqjobs.operations.column_type import NUMBER, ColumnType


def new_features(layout: Layout, batch: pa.RecordBatch, place: Place, tally: Tally) -> Array:
    """Return the features (rows, *feature_shape) of some rows, and count wrong rows.

    `layout` is what `new_layout` makes of their schema. Raises DataError (E409, E424) for what cannot be counted.
    """
    features = FeatureArray(layout, batch.num_rows, tally)
    features.write(as_trained(layout, batch, place, tally), 0, place)
    return features.finish()


def new_layout(
    preparation: Preparation,
    schema: pa.Schema,
    where: str,
    *,
    target: str = "",
    target_type: ColumnType = NUMBER,
    weight: str | None = None,
) -> Layout:
    """Return how rows of a file become the features of a model. All columns must be there.

    A column may have another type than then, if the same operations make as many numbers of it. Raises DataError
    (E420) if they do not.
    """
    chains = [_fitting(chain, schema.field(chain.name), preparation, where) for chain in preparation.chains]
    starts = accumulate((chain.output.width for chain in chains), initial=0)
    columns = (
        FeatureColumn(chain=chain, start=start, trained=trained if trained.looks_up_values else None)
        for chain, start, trained in zip(chains, starts, preparation.chains, strict=False)
    )
    return Layout(
        columns=tuple(columns),
        feature_shape=preparation.feature_shape,
        feature_dtype=preparation.feature_dtype,
        scale=scale_of(preparation),
        target=target,
        target_type=target_type,
        weight=weight,
    )


def scale_of(preparation: Preparation) -> Array | None:
    """Return the factors of the features, as a dataset has them."""
    if preparation.scale is None:
        return None
    factors = np.array(preparation.scale, np.float32)
    return factors[0] if len(factors) == 1 else factors


def _fitting(chain: Chain, field: pa.Field, preparation: Preparation, where: str) -> Chain:
    given = chain.given
    if pa.types.is_null(field.type):
        return chain
    found = _type_of(field, where)
    if found == given:
        return chain
    if found.zone != given.zone and found.kind in ("time", "string"):
        if found.zone is None or given.zone is None:
            raise _other_clock(chain, found, where)
        return chain  # the same instants, which `as_trained` gives the zone that the model was trained on
    if is_converted(chain, found):
        return chain  # `as_trained` converts the values
    if given.shape is not None and (found.shape is None or math.prod(found.shape) == math.prod(given.shape)):
        found = replace(found, shape=given.shape)  # what lists of unknown length hold is looked at row by row
    made = replace(chain, given=found)
    if is_hash_of_texts(chain, found) or not _makes_the_same(made, chain, preparation):
        what = f"column {shown(chain.name)} is {_type_of(field, where)}, and the model was trained on {given}"
        raise DataError("E420", what, where=printable(where), fix="write the column with that type.")
    return made


def _other_clock(chain: Chain, found: ColumnType, where: str) -> DataError:
    """The error for times with a zone where those of training had none, or the other way round."""
    told = [f"{kind}, with {'a' if kind.zone else 'no'} time zone" for kind in (found, chain.given)]
    what = f"column {shown(chain.name)} is {told[0]}, and the model was trained on {told[1]}"
    fix = f"write it as timestamps in {chain.given.zone}." if chain.given.zone else "write it without a time zone."
    return DataError("E420", f"{what}, so its hours may differ", where=printable(where), fix=fix)


def _type_of(field: pa.Field, where: str) -> ColumnType:
    try:
        return stored_type(field)
    except DataError as error:
        raise DataError(error.code, error.what, where=printable(where), fix=error.fix) from None


def _makes_the_same(made: Chain, trained: Chain, preparation: Preparation) -> bool:
    try:
        output = made.checked().output
    except DataError:
        return False
    if not output.is_number or output.shape != trained.output.shape:
        return False
    return preparation.feature_dtype == "float32" or output.kind != "float"


def as_trained(layout: Layout, batch: pa.RecordBatch, place: Place, tally: Tally | None = None) -> pa.RecordBatch:
    """Return the rows with the types of training where the model depends on them.

    Columns without a value have a type, times their zone, whole numbers are bytes if features are, and values that are
    looked up have the type in which training looked them up. Rows without such a value are counted.
    """
    for column in layout.columns:
        index = batch.schema.get_field_index(column.name)
        found = batch.column(index)
        if pa.types.is_null(found.type):
            found = found.cast(_empty_type(column.chain.given))
        elif column.trained is not None and is_converted(column.trained, stored_type(batch.schema.field(index))):
            found = as_looked_up(found, column.trained, _noted(column.name, place, tally))
        elif column.trained is not None and pa.types.is_floating(found.type):
            if column.trained.given.kind == "integer":
                note_lost_digits(found, _noted(column.name, place, tally))
            continue
        elif pa.types.is_timestamp(found.type) and found.type.tz != column.chain.given.zone:
            found = found.cast(pa.timestamp(found.type.unit, column.chain.given.zone))
        elif layout.feature_dtype == "uint8" and not column.chain.operations and column.type.dtype != "uint8":
            found = _as_bytes(found, column, place)
        else:
            continue
        batch = batch.set_column(index, column.name, found)
    return batch


def _noted(name: str, place: Place, tally: Tally | None) -> Note:
    def note(wrong: str, rows: Array) -> None:
        if tally is not None:
            tally.add("E424" if wrong == DIGITS_LOST else "E420", wrong, name, rows, place)

    return note


def _empty_type(given: ColumnType) -> pa.DataType:
    kinds = {"string": pa.string(), "bytes": pa.binary(), "time": pa.timestamp("us")}
    plain = kinds.get(given.kind, pa.float64())
    return plain if given.shape == () else pa.list_(plain)


def _as_bytes(found: pa.Array, column: FeatureColumn, place: Place) -> pa.Array:
    try:
        if isinstance(found, pa.ExtensionArray):
            found = found.storage
        is_list = pa.types.is_nested(found.type)
        return found.cast(pa.list_(pa.uint8()) if is_list else pa.uint8())
    except pa.ArrowInvalid as error:
        what = f"column {shown(column.name)} has numbers outside of 0 to 255, and the model was trained on bytes"
        raise DataError("E424", what, where=place.where, fix="correct these values.") from error
