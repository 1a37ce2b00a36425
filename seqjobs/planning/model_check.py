"""Check whether models fit their data, by the footers of the files or by their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from seqjobs.data.class_weight_check import check_class_weight
from seqjobs.data.dataset import DataSchema
from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.jobspec.model_check import check_metrics, check_output, needs_integer, needs_one_hot
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.jobspec.shapes import Shape, check_model, count_parameters
from seqjobs.planning.expansion import TrialTable
from seqjobs.tables import complete_arguments

MAX_NAMED = 5


class KnownRows(Protocol):
    """What the rows of a dataset show, as far as models depend on it; see `Dataset`."""

    @property
    def num_classes(self) -> int | None: ...
    @property
    def classes(self) -> tuple[str, ...] | None: ...
    @property
    def empty_classes(self) -> tuple[int, ...]: ...
    @property
    def feature_range(self) -> tuple[float, float] | None: ...


def check_models(
    table: TrialTable, schemas: Mapping[str, DataSchema], rows: Mapping[str, KnownRows] | None = None
) -> tuple[str, ...]:
    """Check every model against its data, before anything trains.

    Args:
        table: The trials.
        schemas: By dataset ID; trials of other datasets are not checked.
        rows: What the rows show, by dataset ID; left out while they are not read.

    Returns:
        Warnings, each a sentence without its full stop.

    Raises:
        SpecError: With every distinct mistake.
    """
    found: dict[tuple[object, ...], Problem] = {}
    warnings: dict[str, None] = {}
    checked: set[tuple[str, str]] = set()
    for trial in table.trials:
        # Shapes and class weights are the same in all trials of a template, so one is checked for all.
        key = (trial.job, trial.template.key)
        if key in checked or trial.dataset not in schemas:
            continue
        checked.add(key)
        check = _TrialCheck(trial.spec, schemas[trial.dataset], (rows or {}).get(trial.dataset))
        for problem in check.problems():
            (placed,) = table.job(trial.job).locate([problem], trial.hyperparameters)
            found.setdefault((trial.job, problem.code, placed.path, problem.what), placed)
        warnings.update(dict.fromkeys(check.warnings()))
    if found:
        raise SpecError(found.values())
    return tuple(warnings)


def count_numbers(table: TrialTable, schemas: Mapping[str, DataSchema]) -> Mapping[str, int]:
    """Return how many numbers are in the weights of each template's model, by the template's key."""
    templates = {trial.template.key: trial.template for trial in table.trials}
    return {
        key: count_parameters(template.spec.model, schemas[template.dataset].feature_shape)
        for key, template in templates.items()
    }


class _TrialCheck:
    """One trial's model against its data."""

    def __init__(self, spec: TrialSpec, schema: DataSchema, rows: KnownRows | None) -> None:
        self._spec = spec
        self._schema = schema
        self._rows = rows
        self._shape_problems = Problems()
        self._output: Shape | None = check_model(spec.model, schema.feature_shape, ("model",), self._shape_problems)

    def problems(self) -> Problems:
        problems, spec, schema, rows = Problems(), self._spec, self._schema, self._rows
        problems.extend(self._shape_problems)
        check_metrics(spec.compile.metrics, spec.compile.loss, ("compile", "metrics"), problems)
        check_metrics(spec.compile.weighted_metrics, spec.compile.loss, ("compile", "weighted_metrics"), problems)
        num_classes = None if rows is None else rows.num_classes
        labels = None if rows is None else rows.classes
        check_class_weight(spec, schema, self._with_outputs(num_classes), labels, problems)
        self._check_indices(problems)
        if self._output is not None and not self._has_negative_classes(problems):
            check_output(
                self._output,
                spec.model[-1],
                spec.compile.loss,
                target_kind=schema.target_kind,
                num_classes=num_classes,
                target_width=schema.target_width,
                path=("compile", "loss"),
                problems=problems,
            )
        return problems

    def warnings(self) -> Iterator[str]:
        """Yield which classes the model has outputs for, and no training row has."""
        rows, num_outputs = self._rows, self._num_outputs
        if rows is None or rows.num_classes is None or num_outputs is None or self._schema.target_kind != "integer":
            return
        empty = [*rows.empty_classes, *range(rows.num_classes, num_outputs)]
        if empty:
            more = f" and {len(empty) - MAX_NAMED} more" if len(empty) > MAX_NAMED else ""
            named = f"class{'es' if len(empty) > 1 else ''} {', '.join(map(str, empty[:MAX_NAMED]))}{more}"
            yield f"the model has {num_outputs} outputs, but no training row has {named}"

    @property
    def _num_outputs(self) -> int | None:
        """One for each class, where the loss chooses among classes."""
        loss = self._spec.compile.loss
        return self._output[-1] if self._output and (needs_one_hot(loss) or needs_integer(loss)) else None

    def _with_outputs(self, num_classes: int | None) -> int | None:
        """Return how many classes there may be: an integer target may leave the last ones out."""
        if num_classes is None or self._schema.target_kind != "integer":
            return num_classes
        return max(num_classes, self._num_outputs or 0)

    def _has_negative_classes(self, problems: Problems) -> bool:
        """Return whether class numbers are below 0, which is noted as E310."""
        loss, rows = self._spec.compile.loss, self._rows
        if rows is None or rows.num_classes is not None or self._schema.target_kind != "integer":
            return False
        chooses = needs_integer(loss) or needs_one_hot(loss)
        if not chooses or complete_arguments(loss).get("ignore_class") is not None:
            return False
        what = f"the loss {loss.name} takes class numbers from 0 on, and the target has numbers below 0"
        fix = "number the classes from 0, or use a loss for numbers, such as mse"
        problems.add("E310", ("compile", "loss"), what, fix=fix)
        return True

    def _check_indices(self, problems: Problems) -> None:
        first, known = self._spec.model[0], None if self._rows is None else self._rows.feature_range
        if first.name != "Embedding" or known is None:
            return
        size: Any = complete_arguments(first)["input_dim"]
        wrong = [value for value in known if not -1 < value < size]
        if wrong:
            what = f"the features hold {wrong[0]:g}, and the Embedding has rows for 0 to {size - 1}"
            fix = "number the features from 0" if wrong[0] <= -1 else f"write {int(wrong[0]) + 1} or more"
            problems.add("E419", ("model", 0, "Embedding", "input_dim"), what, fix=fix)
