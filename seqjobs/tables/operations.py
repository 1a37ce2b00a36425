"""Operations: what may be done to a column before it is a feature. They are ours; Keras has none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.errors.problems import Path, Problems
from seqjobs.tables._base import (
    Argument,
    ArgumentValue,
    Conflict,
    Entry,
    Invalid,
    JsonValue,
    Kind,
    Named,
    Table,
    part,
    table_of,
)
from seqjobs.tables.arguments import Flag, Integer, ListOf, Number, OneOf, Optional, refuse

TIME_PARTS = ("year", "month", "day", "weekday", "day_of_year", "hour", "minute", "second", "days")
CYCLES = ("month", "day", "weekday", "day_of_year", "hour", "minute", "second")
MAX_CATEGORIES = 100_000
_MAX_LENGTH = 100_000
_LONGEST_TEXT = 1000


@part
class _NumberOrText(Kind):
    """What a missing value may become."""

    @property
    def expected(self) -> str:
        return "a number or a string"

    def check(self, value: object, path: Path, problems: Problems) -> ArgumentValue | Invalid:
        if isinstance(value, str):
            return value if len(value) <= _LONGEST_TEXT else refuse(self, value, path, problems, fix="shorten it")
        return Number().check(value, path, problems)

    def json_schema(self) -> dict[str, JsonValue]:
        return {"type": ["number", "string"]}


def _one_replacement(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if (given["strategy"] is None) == (given["constant"] is None):
        what = "impute takes a strategy or a constant, one of the two"
        yield Conflict("strategy", what, "write {impute: median}, or {impute: {constant: 0}}")


def _one_or_three(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if given["channels"] not in (1, 3):
        yield Conflict("channels", "an image has 1 channel (grey) or 3 (red, green, blue)", "write 1 or 3")


def _some_bound(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    low, high = given["low"], given["high"]
    if low is None and high is None:
        yield Conflict("low", "clip has no bound", "write {clip: {low: 0}}, {clip: {high: 1}} or both")
    elif isinstance(low, float) and isinstance(high, float) and low >= high:
        yield Conflict("high", f"the bounds are {low:g} and {high:g}", "give a high one above the low one")


def _low_below_high(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    low, high = given["low"], given["high"]
    if isinstance(low, float) and isinstance(high, float) and low >= high:
        yield Conflict("high", f"the bounds are {low:g} and {high:g}", "give a high one above the low one")


def _one_way_to_cut(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    boundaries, quantiles = given["boundaries"], given["quantiles"]
    if (boundaries is None) == (quantiles is None):
        what = "bucketize takes boundaries or a number of quantiles, one of the two"
        yield Conflict("boundaries", what, "write {bucketize: [0, 10, 100]}, or {bucketize: {quantiles: 4}}")
    elif isinstance(boundaries, tuple) and list(boundaries) != sorted(set(map(float, boundaries))):  # type: ignore[arg-type]
        yield Conflict("boundaries", "the boundaries do not rise", "sort them, each once")


def _one_period(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if (given["part"] is None) == (given["period"] is None):
        what = "cyclic takes a part of a time or the period of a number, one of the two"
        yield Conflict("part", what, "write {cyclic: hour}, or {cyclic: {period: 24}}")


def _no_room_for_others(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if given["unseen"] == "error" and (given["max"] is not None or given["min_count"] != 1):
        what = "rare values are counted as others, and `unseen: error` allows no others"
        yield Conflict("unseen", what, "remove it, or remove max and min_count")


LEARNED = frozenset({"standardize", "min_max", "impute", "one_hot", "index", "bucketize", "tokens"})
"""Those that look at the training rows; impute and bucketize only where they are not told all."""

_CATEGORIES = {
    "max": Argument(Optional(Integer(at_most=MAX_CATEGORIES)), None),
    "min_count": Argument(Integer(), 1),
    "unseen": Argument(OneOf(("other", "error")), "other"),
}
_BOUND = Argument(Optional(Number()), None)

_ENTRIES = table_of(
    (
        Entry(
            "rescale",
            "times a factor, as 1/255 for pixels",
            {"factor": Argument(Number())},
            alone="factor",
        ),
        Entry(
            "standardize",
            "minus the mean, divided by the standard deviation of the training rows; a constant column becomes 0",
        ),
        Entry(
            "min_max",
            "from the least and the largest value of the training rows to `low` and `high`",
            {"low": Argument(Number(), 0.0), "high": Argument(Number(), 1.0)},
            rules=(_low_below_high,),
        ),
        Entry("clip", "values beyond a bound become the bound", {"low": _BOUND, "high": _BOUND}, rules=(_some_bound,)),
        Entry("log1p", "the natural logarithm of 1 + x"),
        Entry(
            "impute",
            "what nulls and NaN become: the mean, median or most frequent value of the training rows, or a constant; "
            "`indicator` adds a column that is 1 where a value was missing",
            {
                "strategy": Argument(Optional(OneOf(("mean", "median", "most_frequent"))), None),
                "constant": Argument(Optional(_NumberOrText()), None),
                "indicator": Argument(Flag(), False),
            },
            rules=(_one_replacement,),
            number="constant",
            alone="strategy",
        ),
        Entry(
            "one_hot",
            "a column of 0 and 1 for each value of the training rows, the most frequent first, behind one for all "
            "others: those beyond `max`, rarer than `min_count`, or that no training row has",
            _CATEGORIES,
            rules=(_no_room_for_others,),
        ),
        Entry(
            "index",
            "a whole number for each value of the training rows, for an Embedding: 1 for the most frequent, 0 for all "
            "others; with `unseen: error` there are no others, and the most frequent is 0",
            _CATEGORIES,
            rules=(_no_room_for_others,),
        ),
        Entry(
            "hash",
            "a whole number below `buckets` that a value's hash tells, for an Embedding",
            {"buckets": Argument(Integer(at_least=2)), "seed": Argument(Integer(at_least=0), 0)},
            alone="buckets",
        ),
        Entry(
            "bucketize",
            "the number of boundaries that are at or below a value; `quantiles` cuts the training rows into as many "
            "equal parts",
            {
                "boundaries": Argument(Optional(ListOf(Number())), None),
                "quantiles": Argument(Optional(Integer(at_least=2, at_most=1000)), None),
            },
            rules=(_one_way_to_cut,),
            alone="boundaries",
        ),
        Entry(
            "cyclic",
            "sine and cosine of a part of a time, as `hour`, or of a number with a `period`",
            {
                "part": Argument(Optional(OneOf(CYCLES)), None),
                "period": Argument(Optional(Number(above=0)), None),
            },
            rules=(_one_period,),
            number="period",
            alone="part",
        ),
        Entry(
            "date_parts",
            "parts of a time as numbers; `days` is the time since 1970 in days; weekday 0 is Monday",
            {"parts": Argument(ListOf(OneOf(TIME_PARTS)))},
            alone="parts",
        ),
        Entry(
            "tokens",
            "words of a text as `length` whole numbers, for an Embedding: 0 behind the last word, 1 for a word that is "
            "not among the `vocabulary` most frequent words of the training rows, from 2 on the others",
            {
                "length": Argument(Integer(at_most=_MAX_LENGTH)),
                "vocabulary": Argument(Integer(at_most=MAX_CATEGORIES), 10_000),
                "min_count": Argument(Integer(), 1),
                "lowercase": Argument(Flag(), True),
            },
            alone="length",
        ),
        Entry(
            "image",
            "PNG or JPEG bytes as pixels from 0 to 255, of shape [height, width, channels]",
            {
                "size": Argument(ListOf(Integer(at_most=10_000), 2, 2)),
                "channels": Argument(Integer(at_most=4), 3),
                "resize": Argument(Flag(), False),
            },
            rules=(_one_or_three,),
            alone="size",
        ),
        Entry(
            "pad",
            "lists cut to `length` values, and filled up to it with `value`; `keep: end` keeps the last ones",
            {
                "length": Argument(Integer(at_most=_MAX_LENGTH)),
                "value": Argument(Number(), 0.0),
                "keep": Argument(OneOf(("start", "end")), "start"),
            },
            alone="length",
        ),
    )
)


def learns(operation: Named) -> bool:
    """Whether an operation takes something from the training rows."""
    told = operation.arguments.get("constant"), operation.arguments.get("boundaries")
    return operation.name in LEARNED and told == (None, None)


OPERATIONS = Table(name="operation", entries=_ENTRIES, unknown_code="E201")
