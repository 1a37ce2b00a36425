"""ColumnSpec: what is done to a column before it is a feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from seqjobs.errors.problems import Path, Problems
from seqjobs.jobspec.rejection import problems_error, rejection
from seqjobs.jobspec.section import Count, Number, Section
from seqjobs.operations import OPERATIONS, learns
from seqjobs.tables import JsonValue, Named

RAW = "raw"
# Which are no operations: the last says how the column's numbers are laid out, and what is multiplied last is so inside
# the compiled program, where pixels are bytes until then.
_FIELDS = ("rescale", "shape")


class _AsParsed:
    """Keeps pydantic from looking into what a table has checked."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()


class ColumnSpec(Section):
    """What is done to a column before it is a feature; `raw` for nothing."""

    rescale: Number | None = None
    """The factor that multiplies every value, for example 1/255 for pixels."""
    shape: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    """The shape of one row's values, for example [28, 28, 1]; their number must be the column's width."""
    operations: Annotated[tuple[Named, ...], _AsParsed] = ()
    """What is done before, in this order; each is an entry of the table of operations."""

    @property
    def learns(self) -> bool:
        """Whether anything done to it depends on the training rows."""
        return any(map(learns, self.operations))

    def canonical(self) -> dict[str, Any]:
        """As JSON, without what is not said."""
        plain = self.model_dump(mode="json", exclude_defaults=True, exclude={"operations"})
        done: list[JsonValue] = [operation.canonical() for operation in self.operations]
        return {**plain, "operations": done} if done else plain


def written_column(value: object) -> dict[str, Any]:
    """The fields of a ColumnSpec that a spec's writing means; to be run before its own validation.

    A name, a mapping of operations to their arguments, or a list of both. Raises pydantic's custom error with every
    problem of the operations.
    """
    if value == RAW or value is None:
        return {}
    problems = Problems()
    fields: dict[str, Any] = {}
    operations = []
    for path, name, written, is_field in _classified(value, problems):
        if is_field:
            if name in fields:
                problems.add("E209", path, f"'{name}' is given twice", fix="remove one of them")
            fields[name] = written
            continue
        operations.append(OPERATIONS.parse(name if written is None else {name: written}, path, problems))
    if len(problems):
        raise problems_error(problems)
    return {**fields, "operations": tuple(operations)}


def step_places(value: object) -> list[tuple[Path, Literal["key", "value"]]]:
    """Return where each operation of a column stands, in the column as it is written; its value is right."""
    return [
        (path, "value") if written is None and not isinstance(_at(value, path), Mapping) else ((*path, name), "key")
        for path, name, written, is_field in _classified(value, Problems())
        if not is_field
    ]


def shape_place(value: object) -> Path:
    """Return where the shape of a column stands, in the column as it is written."""
    return next((*path, name) for path, name, _, _ in _classified(value, Problems()) if name == "shape")


def _at(value: Any, path: Path) -> object:
    return value[path[0]] if path else value


def _classified(value: object, problems: Problems) -> Iterator[tuple[Path, str, object, bool]]:
    """Yield the path, name and arguments of each step, and whether it is a field of ColumnSpec and no operation."""
    steps = list(_steps(value, problems))
    last = max((index for index, (_, name, _) in enumerate(steps) if name not in _FIELDS), default=-1)
    for index, (path, name, written) in enumerate(steps):
        yield path, name, written, name == "shape" or (name == "rescale" and index > last)


def _steps(value: object, problems: Problems) -> Iterator[tuple[Path, str, object]]:
    """Path of the mapping or name, name, and arguments of each operation, in their order."""
    listed = isinstance(value, list | tuple)
    for index, item in enumerate(value if isinstance(value, list | tuple) else [value]):
        path: Path = (index,) if listed else ()
        if isinstance(item, str):
            yield path, item, None
        elif isinstance(item, Mapping):
            yield from ((path, str(name), written) for name, written in item.items())
        else:
            what = "an operation is a name, or a name with its arguments"
            problems.add("E205", path, what, got=item, fix="write raw, standardize, or {rescale: 0.1}.")


def listed_columns(value: object) -> object:
    """A list of columns takes them raw; the order written is the order of the features."""
    if not isinstance(value, list | tuple):
        return value
    for column in value:
        if not isinstance(column, str):
            raise rejection("E205", "the name of a column is a string", column, "write the column's name.")
    if len(set(value)) < len(value):
        raise rejection("E402", "a column is listed twice", value, "remove one of them.")
    return {column: {} for column in value}
