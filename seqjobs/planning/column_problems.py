"""Report mistakes of data columns at the places in the specs that name the columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from seqjobs.data.column_mistakes import ColumnsError
from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem
from seqjobs.jobspec.locate import located
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.trial import Trial


@contextmanager
def mistakes_in_specs(table: TrialTable) -> Iterator[None]:
    """Within it, ColumnsError of the table's datasets become a SpecError."""
    try:
        yield
    except ColumnsError as error:
        raise in_specs(error, table) from None


def in_specs(error: ColumnsError, table: TrialTable) -> SpecError:
    """Return the mistakes with line and column, in the spec of each job that uses the data."""
    found: dict[str, dict[tuple[object, ...], Problem]] = {}
    for trial in _first_trials(table):
        job, of_job = table.job(trial.job), found.setdefault(trial.job, {})
        data = job.written(trial.hyperparameters)["data"]
        for problem in (mistake.problem(data) for mistake in error.mistakes if mistake.dataset == trial.dataset):
            (placed,) = job.locate([problem], trial.hyperparameters)
            # Datasets that differ in a dimension may have the same mistake.
            of_job.setdefault((problem.code, placed.path, problem.what), placed)
    jobs = ((table.job(name).document, problems.values()) for name, problems in found.items())
    return SpecError(problem for document, problems in jobs for problem in located(problems, document))


def _first_trials(table: TrialTable) -> Iterable[Trial]:
    """Return a trial for each job and dataset."""
    found: dict[tuple[str, str], Trial] = {}
    for trial in table.trials:
        found.setdefault((trial.job, trial.dataset), trial)
    return found.values()
