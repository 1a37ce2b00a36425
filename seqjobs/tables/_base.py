"""A closed table: the only names a spec may use for one kind of Keras object, and the arguments each takes.

No mapping of a spec ever reaches Keras's own `get` or `deserialize`, which turn text into any public symbol. What a
table does not list does not exist for a spec; what it leaves out of Keras on purpose, it says why.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final, Literal, TypeAlias, TypeVar, dataclass_transform

from seqjobs.errors.problems import MOST_SUGGESTED, Path, Problems, did_you_mean, shown

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
ArgumentValue: TypeAlias = "bool | int | float | str | tuple[ArgumentValue, ...] | Named | None"

# The keys by which Keras's deserializer recognises a configuration. It would run what they name.
CONFIGURATION_KEYS = frozenset({"class_name", "config", "module", "registered_name"})

# The keys under which other tools have the name of an object.
_NAMING_KEYS = ("name", "type")

# A name that its author gave to code: `MyLayer`, `custom_loss`, `package.Layer`, `package>Layer`.
_CALL = re.compile(r"(?:\w+\.)*(\w+)\(")
_OWN_CODE = re.compile(r"(?:my|own|custom)_|My[A-Z]|Own[A-Z]|Custom|.*[.>:]")


@dataclass(frozen=True, kw_only=True)
class Named:
    """One entry of a table with its checked arguments, those equal to their default left out.

    Made by `Table.parse` alone: so equal meaning is equal values, and a builder may pass `arguments` on as they are.
    """

    table: str
    name: str
    arguments: Mapping[str, ArgumentValue] = field(default_factory=dict)

    def canonical(self) -> JsonValue:
        """The shortest writing of this value, keys sorted: equal for all writings that mean the same."""
        if not self.arguments:
            return self.name
        return {self.name: {key: _canonical(self.arguments[key]) for key in sorted(self.arguments)}}


def _canonical(value: ArgumentValue) -> JsonValue:
    if isinstance(value, Named):
        return value.canonical()
    if isinstance(value, tuple):
        return [_canonical(part) for part in value]
    return value


_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def part(made: type[_Class]) -> type[_Class]:
    """A frozen dataclass of a table's own. Nobody compares or prints those, and without the methods for it the tables
    import in half the time."""
    return dataclass(frozen=True, eq=False, repr=False)(made)


class Invalid(Enum):
    """What a check returns for a value that it has reported as a problem (`None` can be a value)."""

    INVALID = "invalid"


INVALID: Final = Invalid.INVALID


class Kind(ABC):
    """What values an argument takes."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What a value must be, as an error says it after "expected"."""

    @abstractmethod
    def check(self, value: object, path: Path, problems: Problems) -> ArgumentValue | Invalid:
        """The value in its canonical form, or `INVALID` once its problems are noted."""

    @abstractmethod
    def json_schema(self) -> dict[str, JsonValue]:
        """JSON Schema of the accepted writings; other tables are `#/$defs/<table>`."""


class Required(Enum):
    """The default of an argument that has none."""

    REQUIRED = "required"


REQUIRED: Final = Required.REQUIRED


@part
class Argument:
    """One argument of an entry; `default` is in canonical form and equals Keras's."""

    kind: Kind
    default: ArgumentValue | Required = REQUIRED


@part
class Conflict:
    """Arguments that are each fine and together are not: reported at `argument`."""

    argument: str
    what: str
    fix: str


Rule: TypeAlias = Callable[[Mapping[str, ArgumentValue]], Iterable[Conflict]]


@part
class Entry:
    """One name of a table: its arguments, and rules over all of them (given the values with defaults filled in)."""

    name: str
    doc: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    # The argument that a bare number stands for, as in `l2: 1e-4`.
    number: str | None = None
    # The argument that any value but a mapping stands for, as in `impute: median`.
    alone: str | None = None
    # Keras's arguments that a spec may not give, with the reason.
    left_out: Mapping[str, str] = field(default_factory=dict)
    # Required here although Keras has a default, which no spec can use.
    made_required: frozenset[str] = frozenset()

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, argument in self.arguments.items() if argument.default is REQUIRED)

    def complete(self, given: Mapping[str, ArgumentValue]) -> dict[str, ArgumentValue]:
        """All arguments, with their defaults where none is given."""
        defaults = {
            name: argument.default
            for name, argument in self.arguments.items()
            if not isinstance(argument.default, Required)
        }
        return {**defaults, **given}


@part
class LeftOut:
    """A public name of Keras that a spec may not use: why, and the code to report."""

    reason: str
    code: str


@part
class _Writing:
    """A name as a spec has it: `Flatten`, or the one key of `{Dense: {units: 10}}`, `path` being the name's place."""

    name: str
    arguments: object
    path: Path
    at: Literal["key", "value"]


@part
class Table:
    """All entries of one kind. `name` is also `Named.table`, by which a builder knows where in Keras to look."""

    name: str
    entries: Mapping[str, Entry]
    aliases: Mapping[str, str] = field(default_factory=dict)
    unknown_code: str = "E305"
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    # Arguments that no entry offers, with the reason.
    left_out_arguments: Mapping[str, str] = field(default_factory=dict)
    # Entries that are only ever named (functions): a mapping is refused.
    names_only: bool = False
    # A bare alias stays as it is written, for Keras names a history column after it.
    keeps_aliases: bool = False
    # What bare names were read as: most of what thousands of assignments name.
    _bare: dict[str, Named] = field(default_factory=dict)

    def parse(self, value: object, path: Path, problems: Problems) -> Named | None:
        """The entry that a spec's value names; None once its problems, all of them, are noted."""
        if isinstance(value, str) and value in self._bare:
            return self._bare[value]
        writing = self._writing(value, path, problems)
        entry = writing and self._known(writing, problems)
        if not writing or not entry:
            return None
        arguments = self._arguments(entry, writing, problems)
        if arguments is None:
            return None
        name = writing.name if self.keeps_aliases and not arguments else entry.name
        named = Named(table=self.name, name=name, arguments=arguments)
        if isinstance(value, str):
            self._bare[value] = named
        return named

    def named(self, name: str) -> Named:
        """The entry of this name or alias with all its defaults, for defaults in other tables."""
        return Named(table=self.name, name=self.entry(name).name)

    def entry(self, name: str) -> Entry:
        """The entry of this name or alias; raises KeyError."""
        return self.entries[self.aliases.get(name, name)]

    def complete(self, named: Named) -> dict[str, ArgumentValue]:
        """All arguments of `named`, with the defaults filled in."""
        return self.entry(named.name).complete(named.arguments)

    def json_schema(self) -> dict[str, JsonValue]:
        """JSON Schema of what `parse` accepts, but for the rules over several arguments."""
        written = {**{name: name for name in self.entries}, **self.aliases}
        bare: list[JsonValue] = [name for name, entry in sorted(written.items()) if not self.entries[entry].required]
        names: dict[str, JsonValue] = {"enum": bare}
        if self.names_only:
            return names
        mappings: list[JsonValue] = [
            {
                "type": "object",
                "properties": {name: _entry_schema(self.entries[entry])},
                "required": [name],
                "additionalProperties": False,
            }
            for name, entry in sorted(written.items())
        ]
        return {"anyOf": [names, *mappings]}

    def _writing(self, value: object, path: Path, problems: Problems) -> _Writing | None:
        if isinstance(value, str):
            return _Writing(value, None, path, "value")
        if isinstance(value, Mapping) and len(value) == 1 and not self.names_only:
            ((name, arguments),) = value.items()
            if name not in CONFIGURATION_KEYS and name not in _NAMING_KEYS:
                return _Writing(str(name), arguments, (*path, str(name)), "key")
        self._note_unreadable(value, path, problems)
        return None

    def _note_unreadable(self, value: object, path: Path, problems: Problems) -> None:
        what = f"expected the name of {_article(self.name)}"
        example = next(iter(self.entries.values()))
        fix = f"write a name, such as {example.name}"
        if not self.names_only:
            fix += f", or a name with its arguments, such as {{{_example(self)}}}"
        meant = self._meant(value) if isinstance(value, Mapping) else ""
        fix = f"write {meant}" if meant else fix
        if callable(value) or (isinstance(value, Mapping) and not CONFIGURATION_KEYS.isdisjoint(value)):
            what += "; a spec never holds functions or Keras configurations, which could run code"
            problems.add("E704", path, what, got=value, fix=fix)
            return
        if isinstance(value, Mapping) and self.names_only:
            what += " alone: it takes no arguments"
        elif isinstance(value, Mapping) and len(value) > 1 and not meant:
            what, fix = self._several_keys([str(key) for key in value])
        problems.add("E315", path, what, got=value, fix=fix)

    def _meant(self, value: Mapping[object, object]) -> str:
        """Return the right form of `{name: Adam, learning_rate: 0.1}`: `{Adam: {learning_rate: 0.1}}`; else ""."""
        names = [key for key in ("class_name", *_NAMING_KEYS) if isinstance(value.get(key), str)]
        if not names or not self._has(str(value[names[0]])):
            return ""
        entry, config = self.entry(str(value[names[0]])), value.get("config")
        given = config if isinstance(config, Mapping) else value
        arguments = [f"{name}: {_flow(given[name])}" for name in entry.arguments if name in given]
        return f"{{{entry.name}: {{{', '.join(arguments)}}}}}" if arguments and not self.names_only else entry.name

    def _several_keys(self, keys: Sequence[str]) -> tuple[str, str]:
        """Return what is wrong with a mapping of several keys, most often arguments that are not indented; the fix."""
        first = keys[0]
        if not self._has(first):
            return f"expected one name of {_article(self.name)}, not {len(keys)} keys", "make each a list item"
        others = ", ".join(shown(key) for key in keys[1:4])
        fix = f"indent the arguments of '{first}' below it, and make any other {self.name} a list item"
        return f"there can be one name here, and {others} is next to '{first}'", fix

    def _has(self, name: str) -> bool:
        return self.aliases.get(name, name) in self.entries

    def _known(self, writing: _Writing, problems: Problems) -> Entry | None:
        name = writing.name
        if self._has(name):
            return self.entry(name)
        if left_out := self.left_out.get(name):
            what = f"the {self.name} '{name}' is not offered: {left_out.reason}"
            problems.add(left_out.code, writing.path, what, fix=f"use another {self.name}", at=writing.at)
            return None
        call = _CALL.match(name)
        if call and self._has(call[1]):
            entry = self.entry(call[1])
            fix = (
                f"write {{{_entry_example(entry)}}}" if entry.arguments and not self.names_only else f"write {call[1]}"
            )
            problems.add(
                "E315", writing.path, f"a {self.name} is not written as a call", got=name, fix=fix, at=writing.at
            )
            return None
        fix = did_you_mean(name, [*self.entries, *self.aliases], MOST_SUGGESTED)
        # `shown` keeps a hostile name from reaching a terminal as it is.
        what = f"unknown {self.name} {shown(name)}"
        if not fix.endswith("?") or _OWN_CODE.match(name):
            what += "; a spec cannot name your own code, because a spec never runs code"
        problems.add(self.unknown_code, writing.path, what, fix=fix, at=writing.at)
        return None

    def _arguments(self, entry: Entry, writing: _Writing, problems: Problems) -> dict[str, ArgumentValue] | None:
        """The checked arguments without those equal to their default; None once their problems are noted."""
        before = len(problems)
        given = dict(self._given(entry, writing, problems))
        if len(problems) > before:
            return None
        complete = entry.complete(given) if entry.rules else given
        for conflict in (conflict for rule in entry.rules for conflict in rule(complete)):
            place = (*writing.path, conflict.argument) if conflict.argument in given else writing.path
            problems.add("E304", place, conflict.what, fix=conflict.fix)
        if len(problems) > before:
            return None
        return {name: value for name, value in given.items() if value != entry.arguments[name].default}

    def _given(self, entry: Entry, writing: _Writing, problems: Problems) -> Iterator[tuple[str, ArgumentValue]]:
        """Each argument that the spec gives and that is right; notes the wrong, unknown and missing ones."""
        arguments = {} if writing.arguments is None else writing.arguments
        is_number = isinstance(arguments, int | float) and not isinstance(arguments, bool)
        bare = (entry.number if is_number else None) or (None if isinstance(arguments, Mapping) else entry.alone)
        if bare:
            arguments = {bare: arguments}
        if not isinstance(arguments, Mapping):
            what = f"the arguments of {entry.name} must be given by name"
            problems.add("E315", writing.path, what, got=arguments, fix=f"write {{{_entry_example(entry)}}}")
            return
        # A misspelt argument is not told a second time as missing.
        misspelt = set()
        for key, value in arguments.items():
            name = str(key)
            if name not in entry.arguments:
                misspelt.add(self._unknown_argument(entry, name, (*writing.path, name), problems))
                continue
            place = writing.path if bare else (*writing.path, name)
            checked = entry.arguments[name].kind.check(value, place, problems)
            if not isinstance(checked, Invalid):
                yield name, checked
        for name in entry.required:
            if name not in arguments and did_you_mean(name, [name]) not in misspelt:
                what = f"{entry.name} needs the argument '{name}', {entry.arguments[name].kind.expected}"
                fix = f"write {{{_entry_example(entry)}}}"
                problems.add("E303", writing.path, what, fix=fix, at=writing.at)

    def _unknown_argument(self, entry: Entry, name: str, path: Path, problems: Problems) -> str:
        """Notes an argument that is not offered; gives back how to fix it."""
        reason = entry.left_out.get(name) or self.left_out_arguments.get(name)
        if reason:
            what, fix = f"the argument '{name}' of {entry.name} is not offered: {reason}", "remove it"
        elif entry.arguments:
            what, fix = f"{entry.name} has no argument {shown(name)}", did_you_mean(name, entry.arguments)
        else:
            what, fix = f"{entry.name} takes no arguments", "remove it"
        problems.add("E302", path, what, fix=fix, at="key")
        return fix


def table_of(*groups: Iterable[Entry]) -> dict[str, Entry]:
    """Entries by name; raises ValueError for a name given twice."""
    entries = [entry for group in groups for entry in group]
    by_name = {entry.name: entry for entry in entries}
    if len(by_name) != len(entries):
        raise ValueError("an entry is in the table twice")
    return by_name


def snake_case(name: str) -> str:
    """Keras's own snake-case form of a class name (`keras.src.utils.naming.to_snake_case`)."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def snake_aliases(entries: Iterable[str], **others: str) -> dict[str, str]:
    """The snake-case alias of every entry, and `others`: alias -> entry."""
    return {**{snake_case(name): name for name in entries}, **others}


def left_out(reason: str, *names: str, code: str = "E307") -> dict[str, LeftOut]:
    """Return names of Keras that a spec may not use, with the reason."""
    return {name: LeftOut(reason, code) for name in names}


def _flow(value: object) -> str:
    """Return a value of an argument as a spec has it."""
    return value if isinstance(value, str) and value.isidentifier() else shown(value)


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _example(table: Table) -> str:
    """`Dense: {units: ...}`: the first entry with arguments, as an error may show it."""
    return _entry_example(next(entry for entry in table.entries.values() if entry.arguments))


def _entry_example(entry: Entry) -> str:
    shown_names = entry.required or list(entry.arguments)[:1]
    return f"{entry.name}: {{{', '.join(f'{name}: ...' for name in shown_names)}}}"


def _entry_schema(entry: Entry) -> JsonValue:
    required: list[JsonValue] = list(entry.required)
    schema: dict[str, JsonValue] = {
        "type": "object",
        "description": entry.doc,
        "properties": {name: argument.kind.json_schema() for name, argument in entry.arguments.items()},
        "required": required,
        "additionalProperties": False,
    }
    others: list[JsonValue] = [] if required else [{"type": "null"}]
    for name in filter(None, (entry.number, entry.alone)):
        others.append(entry.arguments[name].kind.json_schema())
    return {"anyOf": [schema, *others]} if others else schema
