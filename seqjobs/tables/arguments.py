"""The kinds of values that arguments take."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeGuard

from seqjobs.errors.problems import Path, Problems
from seqjobs.tables._base import INVALID, ArgumentValue, Invalid, JsonValue, Kind, Named, Table, part

# No layer has that many units, filters or positions: such a number is a slip of the keyboard, and would take the
# memory of the machine at once.
ABSURD = 10**7

_WITHIN = "give a value within these bounds"


def refuse(kind: Kind, value: object, path: Path, problems: Problems, *, fix: str = "") -> Invalid:
    """Notes that `value` is not what `kind` takes."""
    problems.add("E304", path, f"expected {kind.expected}", got=value, fix=fix or _fix(kind, value))
    return INVALID


def _fix(kind: Kind, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[-+0-9.eE]+", value):
        return f"write {value} without quotes"
    if value is None:
        return "give a value, or remove the argument to have its default"
    if isinstance(value, list) and value and all(_is_plain(item) for item in value):
        problems = Problems()
        if all(kind.check(item, (), problems) is not INVALID for item in value):
            return f"give one value, or {{choice: [{', '.join(map(str, value))}]}} to search over these"
    return "give a value of this kind"


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and value.isidentifier())


def _bounds(at_least: float | None, above: float | None, at_most: float | None, below: float | None) -> str:
    """` of at least 0 and below 1`, or nothing where no bound is."""
    low = f"of at least {at_least:g}" if at_least is not None else f"above {above:g}" if above is not None else ""
    high = f"of at most {at_most:g}" if at_most is not None else f"below {below:g}" if below is not None else ""
    both = " and ".join(part for part in (low, high) if part)
    return f" {both}" if both else ""


@part
class Integer(Kind):
    """A whole number."""

    at_least: int | None = 1
    at_most: int | None = None
    absurd: int = ABSURD

    @property
    def expected(self) -> str:
        return "a whole number" + _bounds(self.at_least, None, self.at_most, None)

    def check(self, value: object, path: Path, problems: Problems) -> int | Invalid:
        if isinstance(value, bool) or not isinstance(value, int):
            fix = f"write {int(value)}" if isinstance(value, float) and value.is_integer() else ""
            return refuse(self, value, path, problems, fix=fix)
        if (self.at_least is not None and value < self.at_least) or (self.at_most is not None and value > self.at_most):
            return refuse(self, value, path, problems, fix=_WITHIN)
        if abs(value) > self.absurd:
            what = f"this number is larger than any model needs; the limit is {self.absurd:,}"
            problems.add("E502", path, what, got=value, fix="give a smaller number")
            return INVALID
        return value

    def json_schema(self) -> dict[str, JsonValue]:
        schema: dict[str, JsonValue] = {
            "type": "integer",
            "maximum": self.absurd if self.at_most is None else min(self.at_most, self.absurd),
            "minimum": -self.absurd if self.at_least is None else self.at_least,
        }
        return schema


@part
class Number(Kind):
    """A finite number; canonical form a float."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    @property
    def expected(self) -> str:
        return "a number" + _bounds(self.at_least, self.above, self.at_most, self.below)

    def check(self, value: object, path: Path, problems: Problems) -> float | Invalid:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return refuse(self, value, path, problems)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            return refuse(self, value, path, problems, fix="give a finite number")
        if self._within(number):
            return number
        is_percentage = 1 in (self.below, self.at_most) and 1 < number < 100
        return refuse(self, value, path, problems, fix=f"did you mean {number / 100:g}?" if is_percentage else _WITHIN)

    def _within(self, number: float) -> bool:
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.above is None or number > self.above)
            and (self.at_most is None or number <= self.at_most)
            and (self.below is None or number < self.below)
        )

    def json_schema(self) -> dict[str, JsonValue]:
        bounds: dict[str, float | None] = {
            "minimum": self.at_least,
            "exclusiveMinimum": self.above,
            "maximum": self.at_most,
            "exclusiveMaximum": self.below,
        }
        return {"type": "number", **{key: bound for key, bound in bounds.items() if bound is not None}}


@part
class Flag(Kind):
    """true or false."""

    @property
    def expected(self) -> str:
        return "true or false"

    def check(self, value: object, path: Path, problems: Problems) -> bool | Invalid:
        if isinstance(value, bool):
            return value
        return refuse(self, value, path, problems, fix="write true or false, without quotes")

    def json_schema(self) -> dict[str, JsonValue]:
        return {"type": "boolean"}


@part
class OneOf(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(self.words)

    def check(self, value: object, path: Path, problems: Problems) -> str | Invalid:
        if isinstance(value, str) and value in self.words:
            return value
        return refuse(self, value, path, problems, fix=f"write one of {', '.join(self.words)}")

    def json_schema(self) -> dict[str, JsonValue]:
        return {"enum": list(self.words)}


@part
class Pattern(Kind):
    """A short string of a known form; `meaning` says which, with an example."""

    pattern: str
    meaning: str

    @property
    def expected(self) -> str:
        return self.meaning

    def check(self, value: object, path: Path, problems: Problems) -> str | Invalid:
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return value
        return refuse(self, value, path, problems, fix=f"write {self.meaning}")

    def json_schema(self) -> dict[str, JsonValue]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


@part
class Optional(Kind):
    """null, or what `kind` takes."""

    kind: Kind

    @property
    def expected(self) -> str:
        return f"{self.kind.expected}, or null"

    def check(self, value: object, path: Path, problems: Problems) -> ArgumentValue | Invalid:
        return None if value is None else self.kind.check(value, path, problems)

    def json_schema(self) -> dict[str, JsonValue]:
        return {"anyOf": [self.kind.json_schema(), {"type": "null"}]}


@part
class ListOf(Kind):
    """A list of `shortest` to `longest` items; canonical form a tuple."""

    item: Kind
    shortest: int = 1
    longest: int = 1000

    @property
    def expected(self) -> str:
        if self.shortest == self.longest:
            return f"a list of {self.longest} items, each {self.item.expected}"
        return f"a list of {self.shortest} to {self.longest} items, each {self.item.expected}"

    def check(self, value: object, path: Path, problems: Problems) -> tuple[ArgumentValue, ...] | Invalid:
        if not is_list(value) or not self.shortest <= len(value) <= self.longest:
            return refuse(self, value, path, problems)
        items = [self.item.check(item, (*path, index), problems) for index, item in enumerate(value)]
        good = tuple(item for item in items if not isinstance(item, Invalid))
        return good if len(good) == len(items) else INVALID

    def json_schema(self) -> dict[str, JsonValue]:
        return {
            "type": "array",
            "items": self.item.json_schema(),
            "minItems": self.shortest,
            "maxItems": self.longest,
        }


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


@part
class Each(Kind):
    """One value for all of `count` dimensions, or a list with one for each; canonical form always the tuple."""

    item: Kind
    count: int

    @property
    def expected(self) -> str:
        return f"{self.item.expected}" + (f", or a list of {self.count}" if self.count > 1 else "")

    def check(self, value: object, path: Path, problems: Problems) -> tuple[ArgumentValue, ...] | Invalid:
        if is_list(value):
            if len(value) != self.count:
                return refuse(self, value, path, problems, fix=f"give {self.count} of them")
            return ListOf(self.item, self.count, self.count).check(value, path, problems)
        checked = self.item.check(value, path, problems)
        return INVALID if isinstance(checked, Invalid) else (checked,) * self.count

    def json_schema(self) -> dict[str, JsonValue]:
        return {"anyOf": [self.item.json_schema(), ListOf(self.item, self.count, self.count).json_schema()]}


@part
class OneOrMore(Kind):
    """One value, or a list of them: two forms that mean different things to Keras, each kept."""

    item: Kind
    shortest: int = 1
    longest: int = 100_000

    @property
    def expected(self) -> str:
        return f"{self.item.expected}, or a list of them"

    def check(self, value: object, path: Path, problems: Problems) -> ArgumentValue | Invalid:
        if is_list(value):
            return ListOf(self.item, self.shortest, self.longest).check(value, path, problems)
        return self.item.check(value, path, problems)

    def json_schema(self) -> dict[str, JsonValue]:
        return {"anyOf": [self.item.json_schema(), ListOf(self.item, self.shortest, self.longest).json_schema()]}


@part
class Nested(Kind):
    """An entry of another table."""

    table: Table

    @property
    def expected(self) -> str:
        return f"the name of one {self.table.name}"

    def check(self, value: object, path: Path, problems: Problems) -> Named | Invalid:
        return self.table.parse(value, path, problems) or INVALID

    def json_schema(self) -> dict[str, JsonValue]:
        return {"$ref": f"#/$defs/{self.table.name}"}


@part
class NumberOr(Kind):
    """A number, or an entry of a table: a fixed learning rate or a schedule."""

    number: Number
    table: Table

    @property
    def expected(self) -> str:
        return f"{self.number.expected}, or a {self.table.name}"

    def check(self, value: object, path: Path, problems: Problems) -> ArgumentValue | Invalid:
        if isinstance(value, Mapping) or callable(value) or (isinstance(value, str) and value in self.table.entries):
            return self.table.parse(value, path, problems) or INVALID
        if isinstance(value, bool) or not isinstance(value, int | float):
            return refuse(self, value, path, problems)
        return self.number.check(value, path, problems)

    def json_schema(self) -> dict[str, JsonValue]:
        return {"anyOf": [self.number.json_schema(), {"$ref": f"#/$defs/{self.table.name}"}]}


@part
class Wrapped(Kind):
    """A layer inside another; at most `deepest` wrappers round one layer."""

    layers: Callable[[], Table]
    deepest: int = 4

    @property
    def expected(self) -> str:
        return "a layer"

    def check(self, value: object, path: Path, problems: Problems) -> Named | Invalid:
        if _wrappers(value) >= self.deepest:
            what = f"a layer has at most {self.deepest} wrappers"
            problems.add("E503", path, what, fix="remove some of the wrappers")
            return INVALID
        return self.layers().parse(value, path, problems) or INVALID

    def json_schema(self) -> dict[str, JsonValue]:
        return {"$ref": "#/$defs/layer"}


def _wrappers(value: object) -> int:
    """How many `{Wrapper: {layer: ...}}` stand round the innermost layer of `value`."""
    count = 0
    while isinstance(value, Mapping) and len(value) == 1:
        (arguments,) = value.values()
        if not isinstance(arguments, Mapping) or "layer" not in arguments:
            break
        count, value = count + 1, arguments["layer"]
    return count
