"""`python -m tests.reference`: write the tables of jobs/README.md from the schema, the closed tables and the commands.

The text between `<!-- made by python -m tests.reference: NAME -->` and `<!-- end -->` is replaced. `test_docs.py`
fails when the file and the code differ.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from seqjobs.cli.main import COMMANDS, cli
from seqjobs.data.streamed.window import DEFAULT_MEMORY
from seqjobs.jobspec.data_section import CsvSpec, DataSpec, StorageSpec
from seqjobs.jobspec.field_docs import field_docs
from seqjobs.jobspec.section import Section
from seqjobs.jobspec.sections import (
    CompileSpec,
    FitSpec,
    HeaderSpec,
    KeepSpec,
    LimitsSpec,
    ObjectiveSpec,
    ResourcesSpec,
    SearchSpec,
    TrialSpec,
)
from seqjobs.operations import OPERATION_CLASSES, OPERATIONS
from seqjobs.planning.proposals import DEFAULT_TRIALS
from seqjobs.tables import (
    ACTIVATIONS,
    CALLBACKS,
    CONSTRAINTS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    Named,
    history_name,
)
from seqjobs.tables._base import Argument, Entry, Required, Table, snake_case
from seqjobs.tables.arguments import OneOf, Optional

REFERENCE = Path(__file__).parent.parent / "jobs" / "README.md"
MARKED = re.compile(r"(<!-- made by python -m tests\.reference: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

SECTIONS: Mapping[str, type[Section]] = {
    "data": DataSpec,
    "data.csv": CsvSpec,
    "data.storage": StorageSpec,
    "compile": CompileSpec,
    "fit": FitSpec,
    "search": SearchSpec,
    "objective": ObjectiveSpec,
    "resources": ResourcesSpec,
    "limits": LimitsSpec,
    "keep": KeepSpec,
}
# Defaults that another stage fills in, or that a spec writes with a unit.
WRITTEN_DEFAULTS = {
    "data.memory": f"{DEFAULT_MEMORY >> 30}GiB",
    "search.trials": str(DEFAULT_TRIALS),
    "limits.checkpoint": "1m",
}
ORDER = ("name", "seed", "data", "model", "compile", "fit", "search", "objective", "resources", "limits", "keep")
WEIGHT_PARTS = ("initializer", "regularizer", "constraint")

Row = tuple[str, ...]


def table(header: Row, rows: Iterable[Row]) -> str:
    """Return a Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def fields() -> str:
    """Return one table of fields for the top level and for each section."""
    top = {**HeaderSpec.model_fields, **TrialSpec.model_fields}
    docs = {**field_docs(HeaderSpec), **field_docs(TrialSpec)}
    parts = [table(("field", "default", "meaning"), (_field_row("", name, top[name], docs) for name in ORDER))]
    for name, section in SECTIONS.items():
        rows = (_field_row(name, field, info, field_docs(section)) for field, info in section.model_fields.items())
        parts.append(f"### `{name}`\n\n{table(('field', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


def _field_row(section: str, name: str, info: Any, docs: Mapping[str, str]) -> Row:
    if info.is_required():
        default = "required"
    elif written := WRITTEN_DEFAULTS.get(f"{section}.{name}"):
        default = f"`{written}`"
    else:
        value = info.get_default(call_default_factory=True)
        is_empty = value in (None, (), {}) or isinstance(value, Section)
        default = "" if is_empty else f"`{_text(value)}`"
    return f"`{name}`", default, " ".join(docs[name].split())


def _text(value: object) -> str:
    """Return a value as a spec writes it."""
    if isinstance(value, Named):
        return str(value.canonical())
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def entries(
    source: Table, *, more: Callable[[Entry], Row] = lambda _: (), names: Row = (), common_for_all: bool = False
) -> str:
    """Return a table of a closed table's entries: name, `more` columns with the header `names`, meaning, arguments.

    With `common_for_all`, arguments that every entry takes stand once, in front of the table.
    """
    common = _common(source) if common_for_all else {}
    aliases = _short_aliases(source)
    rows = [
        (
            ", ".join(f"`{name}`" for name in (entry.name, *aliases.get(entry.name, ()))),
            *more(entry),
            entry.doc,
            ", ".join(_arguments(entry, common)),
        )
        for entry in source.entries.values()
    ]
    has_arguments = any(entry.arguments for entry in source.entries.values())
    header = (source.name, *names, "meaning", *(("arguments",) if has_arguments else ()))
    text = table(header, rows if has_arguments else [row[:-1] for row in rows])
    if common:
        shared = ", ".join(f"`{name}: {_text(default)}`" for name, default in common.items())
        text = f"All of them take {shared}. A row shows where a default differs.\n\n{text}"
    return text


def _common(source: Table) -> dict[str, object]:
    """Return the arguments that all entries take, with their most frequent default."""
    every = [entry.arguments for entry in source.entries.values()]
    names = [name for name in every[0] if all(name in arguments for arguments in every)]
    defaults = {name: [arguments[name].default for arguments in every] for name in names}
    return {name: Counter(values).most_common(1)[0][0] for name, values in defaults.items()}


def _short_aliases(source: Table) -> dict[str, list[str]]:
    """Return the aliases that are more than the name in other letters: entry -> aliases."""
    short: dict[str, list[str]] = {}
    for alias, name in source.aliases.items():
        if alias not in (snake_case(name), name.lower()) and not alias.isupper():
            short.setdefault(name, []).append(alias)
    return short


def _arguments(entry: Entry, common: Mapping[str, object]) -> Iterator[str]:
    bare = {entry.number, entry.alone}
    weights = [
        name.removesuffix("_initializer")
        for name in entry.arguments
        if all(f"{name.removesuffix('_initializer')}_{part}" in entry.arguments for part in WEIGHT_PARTS)
    ]
    folded = {f"{weight}_{part}" for weight in weights for part in WEIGHT_PARTS}
    for name, argument in entry.arguments.items():
        weight = name.removesuffix("_initializer")
        if weight in weights and name.endswith("_initializer"):
            yield f"`{weight}_*: {_text(argument.default)}`"
        elif name not in folded and not (name in common and common[name] == argument.default):
            text = _argument(name, argument)
            yield f"**{text}**" if name in bare else text


def _argument(name: str, argument: Argument) -> str:
    is_required = isinstance(argument.default, Required)
    kind = argument.kind.kind if isinstance(argument.kind, Optional) else argument.kind
    words = kind.words if isinstance(kind, OneOf) else ()
    others = [f"`{word}`" for word in words if word != argument.default]
    notes = [*(("required",) if is_required else ()), *((", ".join(others),) if others else ())]
    text = f"`{name}`" if is_required else f"`{name}: {_text(argument.default)}`"
    return f"{text} ({'; '.join(notes)})" if notes else text


def jobs() -> str:
    """Return a table of the ready-made jobs: the file, what it asks and what it found, from the comments in it."""
    rows = []
    for path in sorted(REFERENCE.parent.glob("*.yaml")):
        opening = re.match(r"((?:#.*\n)+)", path.read_text())
        assert opening, path
        comment = " ".join(line.removeprefix("#").strip() for line in opening[1].splitlines())
        question, _, result = comment.partition(" Result: ")
        rows.append((f"[`{path.name}`]({path.name})", question.partition("?")[0] + "?", result))
    return table(("job", "question", "result"), rows)


def metrics() -> str:
    """Return the table of metrics with the history column of each."""

    def column(entry: Entry) -> Row:
        return (f"`{history_name(Named(table=METRICS.name, name=entry.name))}`",)

    return entries(METRICS, more=column, names=("history column",))


def operations() -> str:
    """Return the table of operations with the columns that each takes."""
    return entries(OPERATIONS, more=lambda entry: (OPERATION_CLASSES[entry.name].takes.words,), names=("columns",))


def commands() -> str:
    """Return a table of all commands and a table of their options."""
    found = {name: _command(name) for name in COMMANDS}
    lines = [(f"`{_usage(name, command)}`", _description(command)) for name, command in found.items()]
    return table(("command", "what it does"), lines) + "\n" + table(("option", "of", "meaning"), _options(found))


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def _usage(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name, **cli.context_settings)
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    required = [
        f"{parameter.opts[-1]} {parameter.make_metavar(context)}"
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.required
    ]
    return " ".join(("seqjobs", name, *pieces, *required))


def _description(command: click.Command) -> str:
    return " ".join(inspect.cleandoc(command.help or "").replace("\b", "").split())


def _options(found: Mapping[str, click.Command]) -> Iterator[Row]:
    """Yield one row for each option; commands that share an option with the same help share the row."""
    users: dict[tuple[str, str], list[str]] = {}
    for name, command in found.items():
        context = click.Context(command, info_name=name, **cli.context_settings)
        for parameter in command.params:
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
                users.setdefault(record, []).append(name)
    for (option, meaning), names in sorted(users.items(), key=lambda item: item[0][0].lstrip("-").lower()):
        yield f"`{option}`", ", ".join(f"`{name}`" for name in names), meaning


MADE: Mapping[str, Callable[[], str]] = {
    "jobs": jobs,
    "fields": fields,
    "operations": operations,
    "layers": lambda: entries(LAYERS),
    "activations": lambda: entries(ACTIVATIONS),
    "initializers": lambda: entries(INITIALIZERS),
    "regularizers": lambda: entries(REGULARIZERS),
    "constraints": lambda: entries(CONSTRAINTS),
    "optimizers": lambda: entries(OPTIMIZERS, common_for_all=True),
    "schedules": lambda: entries(SCHEDULES),
    "losses": lambda: entries(LOSSES),
    "metrics": metrics,
    "callbacks": lambda: entries(CALLBACKS),
    "commands": commands,
}


def updated(text: str) -> str:
    """Return the text with every marked part made again."""
    return MARKED.sub(lambda found: f"{found[1]}\n{MADE[found[2]]().strip()}\n\n{found[3]}", text)


def main() -> int:
    """Write the reference; report whether it changed."""
    before = REFERENCE.read_text()
    after = updated(before)
    REFERENCE.write_text(after)
    print(f"{REFERENCE.name}: {'unchanged' if after == before else 'updated'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
