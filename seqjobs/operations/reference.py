"""operation_rows: the operations as documentation lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seqjobs.operations import FAMILY
from seqjobs.tables._base import ArgumentValue, Entry, Required


@dataclass(frozen=True, kw_only=True)
class OperationRow:
    """One operation; texts are Markdown."""

    name: str
    takes: str
    """Which columns it is for."""
    arguments: tuple[ArgumentRow, ...]
    sentence: str
    """What it does, in one sentence or a few."""


@dataclass(frozen=True, kw_only=True)
class ArgumentRow:
    name: str
    expected: str
    """What a value must be, for example "a whole number of at least 1"."""
    default: str | None
    """As YAML writes it; None if the argument is required."""
    stands_alone: bool
    """Whether its value can be written without the name, for example `impute: median`."""


def operation_rows() -> Iterator[OperationRow]:
    """Yield every operation, in the order of the family."""
    for operation in FAMILY:
        entry = operation.entry
        yield OperationRow(
            name=entry.name, takes=operation.takes, arguments=tuple(_argument_rows(entry)), sentence=entry.doc
        )


def _argument_rows(entry: Entry) -> Iterator[ArgumentRow]:
    for name, argument in entry.arguments.items():
        is_required = isinstance(argument.default, Required)
        yield ArgumentRow(
            name=name,
            expected=argument.kind.expected,
            default=None if is_required else _as_yaml(argument.default),
            stands_alone=name in (entry.alone, entry.number),
        )


def _as_yaml(value: ArgumentValue | Required) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:g}" if isinstance(value, int | float) else str(value)
