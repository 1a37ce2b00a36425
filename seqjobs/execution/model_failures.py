"""refuse_models: report what a worker found of models, at their places in the specs."""

from __future__ import annotations

from collections.abc import Mapping

from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.planning.plan import Plan
from seqjobs.training.outcome import Failure


def refuse_models(plan: Plan, failures: Mapping[str, Failure]) -> None:
    """Raises SpecError E313 if a model cannot be built or called; `failures` are by the ID of a trial that has it."""
    found: list[Problem] = []
    for trial in plan.trials:
        if failure := failures.get(trial.id):
            problems = Problems()
            fix = "correct the layers, the loss or the shape of the data"
            problems.add("E313", ("model",), f"the model cannot be trained: {failure.message}", fix=fix)
            found.extend(plan.job(trial.job).locate(problems, trial.hyperparameters))
    if found:
        raise SpecError(found)
