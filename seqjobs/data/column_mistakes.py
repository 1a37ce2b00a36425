"""ColumnsError: all that the types of columns show to be wrong, each with its place in the spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, final

from seqjobs.errors import DataError
from seqjobs.errors.problems import Path, Problem
from seqjobs.jobspec.column_spec import shape_place, step_places

Use = Literal["feature", "shape", "target", "weight"]
_KEYS = {"target": "target", "weight": "sample_weight"}


@dataclass(frozen=True, kw_only=True)
class ColumnMistake:
    """One mistake: an error, and what of the spec it is about."""

    error: DataError
    use: Use
    column: str
    step: int | None = None
    """Which of the column's operations cannot be carried out; None if it is the column itself."""
    dataset: str = ""
    """The id of the dataset; empty until several datasets are looked at together."""

    def problem(self, data: Mapping[str, Any]) -> Problem:
        """Return the mistake with its path in the section `data`, as it is written."""
        path, at = self._place(data)
        where = "" if self.error.where.startswith(f"data.features.{self.column}") else self.error.where
        what = f"in {where}, {self.error.what}" if where and where != "data.target" else self.error.what
        return Problem(code=self.error.code, path=("data", *path), what=what, fix=self.error.fix, at=at)

    def _place(self, data: Mapping[str, Any]) -> tuple[Path, Literal["key", "value"]]:
        if self.use in _KEYS:
            return (_KEYS[self.use],), "value"
        features = data.get("features")
        if isinstance(features, Sequence) and self.column in features:
            return ("features", features.index(self.column)), "value"
        if not isinstance(features, Mapping) or self.column not in features:
            return (("others",) if data.get("others") is not None else ()), "key"
        written, column = features[self.column], ("features", self.column)
        if self.use == "shape":
            return (*column, *shape_place(written)), "value"
        if self.step is None:
            return column, "key"
        path, at = step_places(written)[self.step]
        return (*column, *path), at


@final
class ColumnsError(DataError):
    """The mistakes of one or more datasets. Code, place and fix are those of the first."""

    def __init__(self, mistakes: Iterable[ColumnMistake]) -> None:
        self.mistakes = tuple(mistakes)
        first = self.mistakes[0].error
        super().__init__(first.code, first.what, where=first.where, fix=first.fix)

    def __reduce__(self) -> tuple[object, ...]:
        return ColumnsError, (self.mistakes,)

    @classmethod
    def of(cls, errors: Mapping[str, ColumnsError]) -> Self:
        """Return the mistakes of several datasets, by their ids."""
        return cls(replace(mistake, dataset=name) for name, error in errors.items() for mistake in error.mistakes)
