"""check_class_weight: whether a trial's class weights name classes of its target."""

from __future__ import annotations

from collections.abc import Sequence

from seqjobs.data.dataset import DataSchema
from seqjobs.errors.problems import Path, Problems, nearest, shown
from seqjobs.jobspec.model_check import needs_integer, needs_one_hot, needs_yes_or_no
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.tables import Named

PATH: Path = ("fit", "class_weight")
MAX_NAMED = 10


def check_class_weight(
    spec: TrialSpec, schema: DataSchema, num_classes: int | None, labels: Sequence[str] | None, problems: Problems
) -> None:
    """Note class weights for a target without classes (E310), or for classes that it does not have (E314).

    Args:
        spec: The trial.
        schema: The schema of its data.
        num_classes: How many classes an integer target may have; None while the rows are not read.
        labels: The strings of a string target; None while the rows are not read.
        problems: Where mistakes are noted.
    """
    weights, loss = spec.fit.class_weight, spec.compile.loss
    if weights is None:
        return
    if not _has_classes(loss, schema):
        what = f"class weights need a target of classes, but the loss {loss.name} compares numbers"
        problems.add("E310", PATH, what, fix="remove class_weight, or weight the rows by data.sample_weight.", at="key")
        return
    known = _classes(loss, schema, num_classes, labels)
    if weights == "balanced" or known is None:
        return
    for label in weights:
        if label not in known:
            what = f"the target has no class {shown(label)}"
            problems.add("E314", (*PATH, label), what, fix=_fix(label, known), at="key")


def _has_classes(loss: Named, schema: DataSchema) -> bool:
    if schema.target_kind != "number":
        return needs_one_hot(loss) or needs_integer(loss) or needs_yes_or_no(loss)
    # Floats 0 and 1; or lists with one number per class, of which the largest marks the class.
    return needs_yes_or_no(loss) if schema.target_width == 1 else loss.name.startswith("Categorical")


def _classes(
    loss: Named, schema: DataSchema, num_classes: int | None, labels: Sequence[str] | None
) -> Sequence[str] | None:
    """Return the classes as a spec names them; None while they are unknown."""
    if schema.target_kind == "string":
        return labels
    if schema.target_width > 1:
        return [str(index) for index in range(schema.target_width)]
    if needs_yes_or_no(loss):
        return ["-1", "0", "1"] if "Hinge" in loss.name else ["0", "1"]
    return None if num_classes is None else [str(index) for index in range(num_classes)]


def _fix(label: str, known: Sequence[str]) -> str:
    near = nearest(label, known) if not label.lstrip("-").isdecimal() else None
    if near is not None:
        return f"did you mean {shown(near)}?"
    return f"name one of {', '.join(map(shown, known[:MAX_NAMED]))}{', ...' if len(known) > MAX_NAMED else ''}."
