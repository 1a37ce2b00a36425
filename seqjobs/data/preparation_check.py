"""check_preparation: whether what a run says of its columns can have been made by a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args

from seqjobs.data.chain import Chain
from seqjobs.errors import DataError
from seqjobs.errors.problems import Problems, shown
from seqjobs.operations import Operation
from seqjobs.operations.column_type import ColumnType, Kind

_KINDS = frozenset(get_args(Kind))
_DTYPES = ("uint8", "int32", "float32")
# More would not be features of a model that fits into memory.
_MOST_NUMBERS = 2**31


def check_preparation(
    chains: Sequence[Chain], feature_shape: Sequence[int], feature_dtype: str, scale: Sequence[float] | None
) -> None:
    """Raises ValueError for arguments that no spec can have, for what cannot be learned, and for shapes that differ."""
    if not chains:
        raise ValueError("it has no columns")
    for chain in chains:
        if not isinstance(chain.name, str):
            raise ValueError(f"{shown(chain.name)} is not the name of a column")
        _check_type(chain.given)
        for operation in chain.operations:
            _check_arguments(operation)
        try:
            _check_types(chain)
        except DataError as error:
            raise ValueError(error.what) from error
    _check_numbers(feature_shape, "the shape of its features")
    width = math.prod(feature_shape)
    if sum(chain.output.width for chain in chains) != width:
        raise ValueError("its columns do not have as many numbers as its features")
    if feature_dtype not in _DTYPES:
        raise ValueError(f"its features cannot be {shown(feature_dtype)}")
    if scale is not None and (not all(map(_is_number, scale)) or len(scale) not in (1, width)):
        raise ValueError("its scale is not one number, or one for each feature")


def _check_type(given: ColumnType) -> None:
    if given.kind not in _KINDS or not isinstance(given.dtype, str):
        raise ValueError("the type of a column is unknown")
    if given.shape is not None:
        _check_numbers(given.shape, "the shape of a column")


def _check_numbers(shape: Any, name: str) -> None:
    if not all(type(size) is int and size > 0 for size in shape) or math.prod(shape) > _MOST_NUMBERS:
        raise ValueError(f"{name} has other sizes than a shape")


def _check_arguments(operation: Operation) -> None:
    """Check the fields that a spec gives by the table of operations, and the others by what can be learned."""
    problems = Problems()
    for field in fields(operation):
        value = getattr(operation, field.name)
        argument = operation.entry.arguments.get(field.name)
        if argument is None:
            _check_learned(value, str(field.type), f"{operation.entry.name}.{field.name}")
        elif value not in (argument.default, ()):
            argument.kind.check(list(value) if isinstance(value, tuple) else value, (field.name,), problems)
    if len(problems):
        raise ValueError(f"an argument of {operation.entry.name} is one that no spec can have")
    if operation.learner() is not None:
        raise ValueError(f"{operation.entry.name} has not learned what it needs")


def _check_learned(value: object, declared: str, name: str) -> None:
    """Raises ValueError for a value that is not `declared`, as an operation writes it: `tuple[float, ...] | None`."""
    alone = {part.strip() for part in declared.split("|")}
    if isinstance(value, tuple):
        test = _is_text if "tuple[str, ...]" in alone else _is_number
        known = any(part.startswith("tuple[") for part in alone) and all(map(test, value))
    elif value is None or isinstance(value, str):
        known = ("None" if value is None else "str") in alone
    else:
        known = "float" in alone and _is_number(value)
    if not known:
        raise ValueError(f"{name} has a value that cannot be learned")


def _check_types(chain: Chain) -> None:
    """Raises DataError (E403) or ValueError."""
    chain.checked()
    for operation, given in chain.steps():
        for field in fields(operation):
            value = getattr(operation, field.name)
            learned = field.name not in operation.entry.arguments and isinstance(value, tuple)
            if learned and "tuple[float" in str(field.type) and len(value) != given.width:
                raise ValueError(f"{operation.entry.name}.{field.name} has not one number for each of its column")
    if chain.output.shape is None:
        raise ValueError("the number of features of a column is unknown")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type] # (it is a number)
