"""write_spec: a draft as YAML, with its reasons as comments."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seqjobs.drafting.feature_rules import Feature, LeftOut
from seqjobs.drafting.model_rules import Layer
from seqjobs.drafting.target_rules import Target
from seqjobs.drafting.training_rules import SEED, TRIALS, Training
from seqjobs.errors.printable import printable

WIDTH = 110
MAX_COMMENT = 240
# Strings that need no quotes. What begins with a dot may be a number.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+-]*|\.+/[A-Za-z0-9_./+-]*")
# What YAML 1.1 or 1.2 does not read as a string.
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".inf", ".nan", "nan", "inf"})


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Everything that the spec says."""

    name: str
    train: str
    validation: str | None
    is_validation_found: bool
    """Whether the validation rows were found next to the training rows, not named."""
    test: str | None
    """Rows for `seqjobs evaluate`, as a path from the current folder."""
    csv: Mapping[str, str]
    """The form of CSV files, if it is not the usual one."""
    sampled_rows: int
    train_rows: int
    columns: Mapping[str, Feature | LeftOut]
    """In the order of the files."""
    target: Target
    layers: tuple[Layer, ...]
    training: Training


def write_spec(draft: Draft, file_name: str) -> str:
    """Return the text of a spec; `file_name` is what its first lines call it."""
    return "\n".join([*_header(draft, file_name), *_data(draft), *_model(draft), *_rest(draft)]) + "\n"


def _header(draft: Draft, file_name: str) -> Iterator[str]:
    some = "all" if draft.sampled_rows == draft.train_rows else f"{draft.sampled_rows:,} of"
    yield f"# Drafted from {some} {draft.train_rows:,} rows. It trains as it is; change what you know better."
    yield f"# See what would run: seqjobs plan --data {_comment(file_name)}"
    yield f"# Train:              seqjobs submit {_comment(file_name)}"
    yield ""
    yield f"name: {_flow(draft.name)}"
    yield f"seed: {SEED}"


def _data(draft: Draft) -> Iterator[str]:
    yield "data:"
    yield f"  train: {_flow(draft.train)}"
    if draft.validation is not None:
        note = "found next to the training rows" if draft.is_validation_found else ""
        yield _noted(f"  validation: {_flow(draft.validation)}", note)
    if draft.test is not None:
        yield "  # No trial reads these rows. Evaluate the best model on them with"
        yield f"  # seqjobs evaluate {_comment(draft.test)}"
    if draft.csv:
        yield f"  csv: {_flow(draft.csv)}"
    yield "  features:"
    for name, column in draft.columns.items():
        if isinstance(column, LeftOut):
            yield from _comment_lines(f"{_comment(name)} is left out: {_comment(column.why)}", "    ")
        else:
            steps = column.steps[0] if len(column.steps) == 1 else column.steps or "raw"
            yield _noted(f"    {_flow(name)}: {_flow(steps)}", column.note)
    yield _noted(f"  target: {_flow(draft.target.name)}", draft.target.note)


def _model(draft: Draft) -> Iterator[str]:
    yield "model:"
    pixels = [column for column in draft.columns.values() if isinstance(column, Feature) and column.form == "pixels"]
    if len(pixels) == 1 and draft.layers[0].name == "Dense":
        steps = _flow([*pixels[0].steps, {"shape": list(pixels[0].shape)}])
        yield f"  # For Conv2D layers, write {steps} for the column, and Flatten before Dense."
    for layer in draft.layers:
        arguments = "" if layer.arguments is None else f": {_flow(layer.arguments)}"
        yield _noted(f"  - {layer.name}{arguments}", layer.note)


def _rest(draft: Draft) -> Iterator[str]:
    training = draft.training
    yield "compile:"
    yield f"  optimizer: {_flow({'Adam': {'learning_rate': {'log_uniform': training.rates}}})}"
    yield f"  loss: {training.loss}"
    yield f"  metrics: {_flow(training.metrics)}"
    yield "fit:"
    yield f"  epochs: {training.epochs}"
    yield f"  batch_size: {training.batch_size}"
    yield from _comment_lines(training.split_note, "  ")
    if training.validation_split:
        yield f"  validation_split: {training.validation_split}"
    if training.objective_note:
        yield "  # class_weight: balanced  # gives both classes equal weight"
    stop = {"monitor": training.monitor, "patience": training.patience, "restore_best_weights": True}
    yield "  callbacks:"
    yield f"    - EarlyStopping: {_flow(stop)}"
    yield _noted(
        f"search: {_flow({'sampler': 'random', 'trials': TRIALS})}",
        "each trial draws one value from each choice and range above",
    )
    objective = {"metric": training.objective, "direction": training.direction}
    yield _noted(f"objective: {_flow(objective)}", training.objective_note)
    yield _noted(f"keep: {_flow({'best': 1})}", "keeps the weights of the best trial")


def _noted(line: str, note: str) -> str:
    """Return the line with its note after it, or above it if both are too long for one line."""
    if not note:
        return line
    whole = f"{line}  # {_comment(note)}"
    if len(whole) <= WIDTH:
        return whole
    indent = " " * (len(line) - len(line.lstrip()))
    return "\n".join([*_comment_lines(_comment(note), indent), line])


def _comment_lines(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ") if text else []


def _comment(text: str) -> str:
    """Return text on one line, without what a terminal would act on, cut if it is long."""
    plain = printable(text)
    return plain if len(plain) <= MAX_COMMENT else plain[: MAX_COMMENT - 3] + "..."


def _flow(value: object) -> str:
    """Return a value as YAML 1.2 on one line.

    PyYAML writes YAML 1.1, in which `1e5` and `0o17` are strings without quotes; in a spec they are numbers.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return repr(value)


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else f"\\U{ord(character):08x}" for character in quoted)
