"""Constraints on weights, applied after each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry, Table, snake_aliases, table_of
from seqjobs.tables.arguments import Integer, Number, OneOrMore

_NORM = Number(at_least=0)
_AXIS = Argument(OneOrMore(Integer(at_least=-5, at_most=5)), 0)


def _norms_are_ordered(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    low, high = arguments["min_value"], arguments["max_value"]
    if isinstance(low, float) and isinstance(high, float) and low > high:
        yield Conflict("min_value", f"min_value {low:g} is above max_value {high:g}", "exchange the two")


_ENTRIES = table_of(
    (
        Entry("MaxNorm", "norm <= max_value", {"max_value": Argument(_NORM, 2.0), "axis": _AXIS}, number="max_value"),
        Entry(
            "MinMaxNorm",
            "min_value <= norm <= max_value",
            {
                "min_value": Argument(_NORM, 0.0),
                "max_value": Argument(_NORM, 1.0),
                "rate": Argument(Number(above=0, at_most=1), 1.0),
                "axis": _AXIS,
            },
            rules=(_norms_are_ordered,),
        ),
        Entry("NonNeg", "no negative weights"),
        Entry("UnitNorm", "norm 1", {"axis": _AXIS}),
    )
)

CONSTRAINTS = Table(name="constraint", entries=_ENTRIES, aliases=snake_aliases(_ENTRIES))
