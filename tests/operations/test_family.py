"""An operation is one file and one line in the family: nothing else has to know it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, final

import numpy as np
import pytest

from seqjobs.data.exportable import check_exportable
from seqjobs.data.preparation import Preparation
from seqjobs.jobspec.schema import json_schema
from seqjobs.operations import FAMILY, OPERATION_CLASSES, OPERATIONS, Operation
from seqjobs.operations._base import Layer, Learner, Note, numbers
from seqjobs.operations.arrays import Values
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.takes import NUMBERS
from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.arguments import Number
from tests.data.conftest import Folder
from tests.jobspec.spec_texts import changed, errors, parse
from tests.reference import operations


@final
@dataclass(frozen=True, kw_only=True)
class Share(Operation):
    entry = Entry(
        "share",
        "Divide by the largest value of the training rows, to a power.",
        {"power": Argument(Number(), 1.0)},
        alone="power",
    )
    takes = NUMBERS

    power: float = 1.0
    largest: float | None = None

    def makes(self, given: ColumnType) -> ColumnType:
        return replace(NUMBER, shape=given.shape)

    def apply(self, values: Values, _note: Note) -> Values:
        return (numbers(values) / np.float64(self.largest or 1)) ** self.power

    def learner(self) -> Learner | None:
        return _Largest(self) if self.largest is None else None

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        return lambda column: keras.ops.power(keras.ops.divide(column, np.float64(self.largest or 1)), self.power)


@final
class _Largest(Learner):
    def __init__(self, operation: Share) -> None:
        self._operation = operation
        self._largest = -np.inf

    def add(self, values: Values) -> None:
        self._largest = max(self._largest, float(np.nanmax(numbers(values))))

    def finish(self) -> Share:
        return replace(self._operation, largest=self._largest)


@pytest.fixture
def with_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what a line in the family does."""
    monkeypatch.setitem(OPERATION_CLASSES, "share", Share)
    monkeypatch.setitem(OPERATIONS.entries, "share", Share.entry)


@pytest.mark.usefixtures("with_share")
def test_a_spec_can_name_a_new_operation() -> None:
    job = parse(changed(("{rescale: 0.0625, shape: [8, 8, 1]}", "[{share: {choice: [1, 2]}}, {shape: [8, 8, 1]}]")))
    assert [dimension.key for dimension in job.dimensions] == ["data.features.image.0.share"]
    features = job.trial({"data.features.image.0.share": 2}).data.features
    assert features is not None
    assert features["image"].canonical() == {"operations": [{"share": {"power": 2.0}}], "shape": [8, 8, 1]}
    assert features["image"].learns
    (error,) = errors(changed(("{rescale: 0.0625, shape: [8, 8, 1]}", "{share: {powr: 2}}")))
    assert "share has no argument 'powr'" in error
    assert "share" in str(json_schema())
    assert "| `share` | numbers | Divide by the largest value of the training rows, to a power. |" in operations()


@pytest.mark.usefixtures("with_share")
def test_a_new_operation_is_learned_applied_stored_and_exported(folder: Folder) -> None:
    folder.write({"x": [1.0, 2.0, 4.0], "label": [0, 1, 0]})
    assert folder.inspect(features={"x": {"share": 2}}).feature_shape == (1,)
    dataset = folder.read(features={"x": {"share": 2}})
    np.testing.assert_allclose(dataset.train.features[:, 0], [1 / 16, 1 / 4, 1])
    assert Preparation.from_json(dataset.preparation.to_json()) == dataset.preparation
    check_exportable(dataset.preparation)
    assert "share: it takes numbers" in _error(folder)


def _error(folder: Folder) -> str:
    folder.write({"x": ["a", "b", "c"], "label": [0, 1, 0]})
    return folder.inspect_error(features={"x": {"share": 2}}).what


def _arguments() -> Iterator[tuple[type[Operation], str, Any]]:
    for operation in FAMILY:
        for name, argument in operation.entry.arguments.items():
            yield operation, name, MISSING if name in operation.entry.required else argument.default


def test_fields_are_the_arguments_with_their_defaults() -> None:
    for operation, name, default in _arguments():
        found = {field.name: field.default for field in fields(operation)}
        assert found[name] == default, (operation, name)
