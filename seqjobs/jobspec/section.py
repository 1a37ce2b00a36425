"""What every section of a spec is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from seqjobs.jobspec.rejection import rejection

# Stands in a field's JSON Schema for the schema of a table, which `schema.py` puts beside all others.
TABLE_KEY = "x-table"


class Section(BaseModel):
    """Strict and immutable: an unknown key is an error, a validated section never changes."""

    # Built when first used: a command that reads no spec does not wait for it.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise rejection("E205", "a number is expected", value, "write a number, without quotes.")
    return float(value)


Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Number = Annotated[float, BeforeValidator(_number)]
