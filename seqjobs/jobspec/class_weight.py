"""ClassWeight: how much the rows of each class count, as a spec writes it."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema

from seqjobs.errors.problems import Problems, did_you_mean
from seqjobs.jobspec.rejection import problems_error, rejection

# Above it float32 has only infinity, and a loss is no number.
_MOST = 1e30

_FIX = "write balanced, or a weight for each class, as {0: 1.0, 1: 5.0}."


def _class_weight(value: object) -> object:
    if value is None or value == "balanced":
        return value
    if isinstance(value, str):
        guess = did_you_mean(value, ["balanced"])
        raise rejection("E206", "unknown class weights", value, guess if "mean" in guess else _FIX)
    if not isinstance(value, dict) or not value:
        raise rejection("E205", "class weights are `balanced`, or a mapping of classes to weights", value, _FIX)
    problems = Problems()
    for label, weight in value.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            problems.add("E205", (label,), "a weight is a number", got=weight, fix="write a number, without quotes.")
        elif not (math.isfinite(weight) and 0 <= weight <= _MOST):
            problems.add(
                "E206", (label,), "a weight is a number of at least 0", got=weight, fix="write 1.0, for example."
            )
    if len(problems):
        raise problems_error(problems)
    return {str(label): float(weight) for label, weight in value.items()}


ClassWeight = Annotated[
    Literal["balanced"] | dict[str, float] | None,
    BeforeValidator(_class_weight),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "balanced"},
                {
                    "type": "object",
                    "additionalProperties": {"type": "number", "minimum": 0, "maximum": _MOST},
                    "minProperties": 1,
                },
                {"type": "null"},
            ]
        }
    ),
]
"""`balanced`, or class -> weight: classes by the text they have in the data, `"1"` also for the integer 1."""
