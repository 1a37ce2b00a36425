"""spec_text: a draft as YAML, with its reasons as comments."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from seqjobs.drafting.draft import Draft
from seqjobs.drafting.feature_rules import Feature, LeftOut, Step
from seqjobs.drafting.model_rules import Layer
from seqjobs.drafting.training_rules import SEED, TRIALS
from seqjobs.drafting.yaml_text import comment, flow

WIDTH = 110


def spec_text(draft: Draft, file_name: str) -> str:
    """The text of a spec; `file_name` is how its first lines call it."""
    return "\n".join([*_header(draft, file_name), *_data(draft), *_model(draft), *_rest(draft)]) + "\n"


def _header(draft: Draft, file_name: str) -> Iterator[str]:
    data = draft.data
    seen = "all" if data.sampled_rows == data.train_rows else f"{data.sampled_rows:,} of"
    yield f"# Drafted from {seen} {data.train_rows:,} rows. It runs as it is, and every line is there to be changed."
    yield f"# To look: seqjobs plan {comment(file_name)}; to train: seqjobs submit {comment(file_name)}"
    yield ""
    yield f"name: {flow(draft.name)}"
    yield f"seed: {SEED}"


def _data(draft: Draft) -> Iterator[str]:
    data = draft.data
    yield "data:"
    yield f"  train: {flow(data.train)}"
    if data.validation is not None:
        yield _noted(f"  validation: {flow(data.validation)}", "found there" if data.validation_is_found else "")
    yield "  features:"
    for column in draft.columns:
        yield from _left_out(column) if isinstance(column, LeftOut) else [_feature(column)]
    yield _noted(f"  target: {flow(draft.target.name)}", draft.target.note)


def _left_out(column: LeftOut) -> list[str]:
    told = f"{comment(column.column)} is left out: {comment(column.why)}"
    return _comment_lines(told, "    ")


def _feature(column: Feature) -> str:
    steps: list[Step] = list(column.steps)
    if column.form == "picture" and "image" not in {name for step in steps for name in step}:
        steps.append({"shape": list(column.shape)})
    written = "raw" if not steps else flow(steps[0] if len(steps) == 1 else steps)
    return _noted(f"    {flow(column.column)}: {written}", column.note)


def _model(draft: Draft) -> Iterator[str]:
    yield "model:"
    yield from (_layer(layer) for layer in draft.layers)


def _layer(layer: Layer) -> str:
    if isinstance(layer.written, str):
        return _noted(f"  - {layer.written}", layer.note)
    ((name, arguments),) = layer.written.items()
    return _noted(f"  - {name}: {flow(arguments)}", layer.note)


def _rest(draft: Draft) -> Iterator[str]:
    training = draft.training
    yield "compile:"
    yield f"  optimizer: {flow({'Adam': {'learning_rate': {'log_uniform': list(training.rates)}}})}"
    yield f"  loss: {training.loss}"
    yield f"  metrics: {flow(list(training.metrics))}"
    yield "fit:"
    yield f"  epochs: {training.epochs}"
    yield f"  batch_size: {training.batch_size}"
    yield from _comment_lines(training.split_note, "  ")
    if training.validation_split:
        yield f"  validation_split: {training.validation_split}"
    if draft.target.kind == "yes or no" and training.objective_note:
        yield "  # class_weight: balanced  # makes the rarer class count as much as the other"
    stop = {"monitor": training.monitor, "patience": training.patience, "restore_best_weights": True}
    yield "  callbacks:"
    yield f"    - EarlyStopping: {flow(stop)}"
    yield f"search: {flow({'sampler': 'random', 'trials': TRIALS})}"
    objective = {"metric": training.objective, "direction": training.direction}
    yield _noted(f"objective: {flow(objective)}", training.objective_note)
    yield f"keep: {flow({'best': 1})}"


def _noted(line: str, note: str) -> str:
    """The line with its note behind it, or above it where both are too long for one line."""
    if not note:
        return line
    told = f"{line}  # {comment(note)}"
    if len(told) <= WIDTH:
        return told
    indent = " " * (len(line) - len(line.lstrip()))
    return "\n".join([*_comment_lines(comment(note), indent), line])


def _comment_lines(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ") if text else []
