"""json_schema: the spec's format, for editors."""

from __future__ import annotations

from typing import Any

from seqjobs.jobspec.column_spec import ColumnSpec
from seqjobs.jobspec.dimensions import RANGE_KINDS
from seqjobs.jobspec.field_docs import field_docs
from seqjobs.jobspec.job_spec import TRIAL_SECTIONS
from seqjobs.jobspec.section import TABLE_KEY, Section
from seqjobs.jobspec.sections import HeaderSpec, TrialSpec
from seqjobs.operations import OPERATIONS
from seqjobs.tables import json_schema_definitions

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a spec. A dimension may stand for every value in data, model, compile and fit."""
    header, trial = _documented(HeaderSpec), _documented(TrialSpec)
    definitions = {name: _varying(schema) for name, schema in trial.pop("$defs", {}).items()}
    tables = {name: _varying(schema) for name, schema in json_schema_definitions().items()}
    tables["column"] = _varying(_column())
    layers = {"type": "array", "items": {"$ref": "#/$defs/layer"}, "minItems": 1}
    sections = {name: _varying(value) for name, value in trial["properties"].items()}
    sections["model"] = {
        "description": sections["model"].get("description", ""),
        "anyOf": [layers, {"$ref": "#/$defs/dimension"}, {"type": "object", "additionalProperties": layers}],
    }
    return {
        "$schema": DIALECT,
        "title": "seqjobs job spec",
        "type": "object",
        "additionalProperties": False,
        "required": [*header["required"], *trial["required"]],
        "properties": {**header["properties"], **sections, "variants": _variants()},
        "$defs": {**header.get("$defs", {}), **definitions, **tables, "dimension": _dimension()},
    }


def _column() -> dict[str, Any]:
    """What may stand for a column: `raw`, an operation by its name or in a mapping, or a list of these."""
    fields = _documented(ColumnSpec)["properties"]
    own = {name: fields[name] for name in ("rescale", "shape")}
    table: Any = OPERATIONS.json_schema()
    named, *mappings = table["anyOf"]
    described = {name: schema for mapping in mappings for name, schema in mapping["properties"].items()}
    one = {"type": "object", "properties": {**described, **own}, "additionalProperties": False}
    return {"anyOf": [{"const": "raw"}, named, one, {"type": "array", "items": {"anyOf": [named, one]}}]}


def _documented(section: type[Section]) -> dict[str, Any]:
    """pydantic's schema, with what the classes' docstrings say of each field."""
    schema = section.model_json_schema()
    classes = {found.__name__: found for found in Section.__subclasses__()}
    for name, part in [(section.__name__, schema), *schema.get("$defs", {}).items()]:
        for field, text in field_docs(classes[name]).items():
            part["properties"][field]["description"] = text
    return schema


def _varying(schema: Any) -> Any:
    """The same schema, but that a dimension may stand for the value of every property, named or not."""
    if isinstance(schema, list):
        return [_varying(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if TABLE_KEY in schema:
        rest = {key: value for key, value in schema.items() if key != TABLE_KEY}
        return {**rest, "$ref": f"#/$defs/{schema[TABLE_KEY]}"}
    changed = {key: _varying(value) for key, value in schema.items() if key != "properties"}
    if isinstance(schema.get("additionalProperties"), dict):
        changed["additionalProperties"] = _or_dimension(changed["additionalProperties"])
    if "properties" in schema:
        changed["properties"] = {name: _or_dimension(_varying(value)) for name, value in schema["properties"].items()}
    return changed


def _or_dimension(schema: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in kept}
    return {**kept, "anyOf": [inner, {"$ref": "#/$defs/dimension"}]}


def _dimension() -> dict[str, Any]:
    choice = {
        "type": "object",
        "properties": {"choice": {"type": "array", "minItems": 1}},
        "required": ["choice"],
        "additionalProperties": False,
    }
    ranges = [
        {
            "type": "object",
            "properties": {
                kind: {"type": "array", "items": {"type": _number(kind)}, "minItems": 2, "maxItems": 2},
                "step": {"type": _number(kind), "exclusiveMinimum": 0},
            },
            "required": [kind],
            "additionalProperties": False,
        }
        for kind in RANGE_KINDS
    ]
    return {"description": "A range of values instead of one value.", "anyOf": [choice, *ranges]}


def _number(kind: str) -> str:
    return "integer" if kind in ("int_uniform", "log_int_uniform") else "number"


def _variants() -> dict[str, Any]:
    sections = "|".join(TRIAL_SECTIONS)
    return {
        "description": "Explicit overrides instead of dimensions: each a mapping of dotted paths to values.",
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {f"^({sections})(\\.|$)": {}},
            "additionalProperties": False,
        },
    }
