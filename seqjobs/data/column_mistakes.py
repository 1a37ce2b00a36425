"""ColumnsError: all that the types of columns show to be wrong, each with its place in the spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, final

from seqjobs.errors import DataError, SpecError
from seqjobs.errors.problems import Path, Problem, Problems
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.spec.column_spec import shape_place, step_places
from seqjobs.spec.locate import located

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

    def in_specs(self, plan: Plan) -> SpecError:
        """Return the mistakes with line and column, in the spec of each job that uses the data."""
        found: dict[str, dict[tuple[object, ...], Problem]] = {}
        for trial in _first_trials(plan):
            job, of_job = plan.job(trial.job), found.setdefault(trial.job, {})
            data = job.written(trial.hyperparameters)["data"]
            for problem in (mistake.problem(data) for mistake in self.mistakes if mistake.dataset == trial.dataset):
                alone = Problems()
                alone.extend([problem])
                (placed,) = job.in_text(alone, trial.hyperparameters)
                # Datasets that differ in a dimension may have the same mistake.
                of_job.setdefault((problem.code, placed.path, problem.what), placed)
        jobs = ((plan.job(name).document, problems.values()) for name, problems in found.items())
        return SpecError(problem for document, problems in jobs for problem in located(problems, document))


@contextmanager
def mistakes_in_specs(plan: Plan) -> Iterator[None]:
    """Within it, ColumnsError of the plan's datasets become a SpecError."""
    try:
        yield
    except ColumnsError as error:
        raise error.in_specs(plan) from None


def _first_trials(plan: Plan) -> Iterable[Trial]:
    """Return a trial for each job and dataset."""
    found: dict[tuple[str, str], Trial] = {}
    for trial in plan.trials:
        found.setdefault((trial.job, trial.dataset), trial)
    return found.values()
