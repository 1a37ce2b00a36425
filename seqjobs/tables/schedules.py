"""Learning rate schedules: the rate as a function of the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry, Table, left_out, table_of
from seqjobs.tables.arguments import Flag, Integer, ListOf, Number, Optional

_RATE = Number(at_least=0)
_INITIAL = {"initial_learning_rate": Argument(_RATE)}
_STEPS = Integer(at_least=1, absurd=10**12)
_DECAY = {
    **_INITIAL,
    "decay_steps": Argument(_STEPS),
    "decay_rate": Argument(Number(above=0)),
    "staircase": Argument(Flag(), False),
}

# Steps or epochs where a piecewise constant rate changes, and the rates between them.
PIECES = {
    "boundaries": Argument(ListOf(Integer(at_least=1, absurd=10**12))),
    "values": Argument(ListOf(_RATE, shortest=2)),
}


def pieces_fit(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    """Boundaries rise, and there is one more value than there are boundaries."""
    boundaries, values = arguments["boundaries"], arguments["values"]
    if not isinstance(boundaries, tuple) or not isinstance(values, tuple):
        return
    if len(values) != len(boundaries) + 1:
        what = f"{len(boundaries)} boundaries need {len(boundaries) + 1} values, not {len(values)}"
        yield Conflict("values", what, "give one value for each stretch before, between and after the boundaries")
    numbers = [boundary for boundary in boundaries if isinstance(boundary, int)]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        yield Conflict(
            "boundaries", "the boundaries do not increase", "write the boundaries in increasing order, each once"
        )


_ENTRIES = table_of(
    (
        Entry(
            "CosineDecay",
            "falls along half a cosine, after an optional linear warm-up",
            {
                **_INITIAL,
                "decay_steps": Argument(_STEPS),
                "alpha": Argument(Number(at_least=0, at_most=1), 0.0),
                "warmup_target": Argument(Optional(_RATE), None),
                "warmup_steps": Argument(Integer(at_least=0, absurd=10**12), 0),
            },
        ),
        Entry(
            "CosineDecayRestarts",
            "falls along half a cosine, repeatedly",
            {
                **_INITIAL,
                "first_decay_steps": Argument(_STEPS),
                "t_mul": Argument(Number(at_least=1), 2.0),
                "m_mul": Argument(Number(above=0), 1.0),
                "alpha": Argument(Number(at_least=0, at_most=1), 0.0),
            },
        ),
        Entry("ExponentialDecay", "rate * decay_rate ^ (step / decay_steps)", _DECAY),
        Entry("InverseTimeDecay", "rate / (1 + decay_rate * step / decay_steps)", _DECAY),
        Entry("PiecewiseConstantDecay", "one rate between two boundaries", PIECES, rules=(pieces_fit,)),
        Entry(
            "PolynomialDecay",
            "falls to end_learning_rate in decay_steps",
            {
                **_INITIAL,
                "decay_steps": Argument(_STEPS),
                "end_learning_rate": Argument(_RATE, 0.0001),
                "power": Argument(Number(above=0), 1.0),
                "cycle": Argument(Flag(), False),
            },
        ),
    )
)

SCHEDULES = Table(
    name="schedule",
    entries=_ENTRIES,
    left_out=left_out("it is the base class of the others", "LearningRateSchedule"),
    left_out_arguments={"name": "names are given by seqjobs"},
)
