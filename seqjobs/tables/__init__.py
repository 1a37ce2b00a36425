"""The closed tables: every name of Keras that a spec may use, with the arguments of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from seqjobs.tables._base import ArgumentValue, JsonValue, Named, Table
from seqjobs.tables.activations import ACTIVATIONS
from seqjobs.tables.callbacks import CALLBACKS
from seqjobs.tables.constraints import CONSTRAINTS
from seqjobs.tables.initializers import INITIALIZERS
from seqjobs.tables.layers import LAYERS, parse_layers
from seqjobs.tables.losses import LOSSES
from seqjobs.tables.metrics import METRICS, history_name, parse_metrics
from seqjobs.tables.optimizers import OPTIMIZERS
from seqjobs.tables.regularizers import REGULARIZERS
from seqjobs.tables.schedules import SCHEDULES

# By `Named.table`.
TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            *(LAYERS, OPTIMIZERS, SCHEDULES, LOSSES, METRICS, CALLBACKS),
            *(ACTIVATIONS, INITIALIZERS, REGULARIZERS, CONSTRAINTS),
        )
    }
)


def complete_arguments(named: Named) -> dict[str, ArgumentValue]:
    """All arguments of `named`, with the defaults filled in."""
    return TABLES[named.table].complete(named)


def json_schema_definitions() -> dict[str, JsonValue]:
    """JSON Schemas of all tables, for the `$defs` of a schema that refers to them as `#/$defs/<table>`."""
    return {name: table.json_schema() for name, table in TABLES.items()}


__all__ = [
    "ACTIVATIONS",
    "CALLBACKS",
    "CONSTRAINTS",
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "METRICS",
    "OPTIMIZERS",
    "REGULARIZERS",
    "SCHEDULES",
    "TABLES",
    "ArgumentValue",
    "JsonValue",
    "Named",
    "Table",
    "complete_arguments",
    "history_name",
    "json_schema_definitions",
    "parse_layers",
    "parse_metrics",
]
