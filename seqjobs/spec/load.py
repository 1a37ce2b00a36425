"""load_job: a spec file -> JobSpec, or every mistake in it at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from seqjobs.errors import SpecError
from seqjobs.spec.candidates import candidates
from seqjobs.spec.dimensions import Dimension, find_architectures, find_dimensions, is_dimension
from seqjobs.spec.document import Document, read_document, read_text
from seqjobs.spec.job_spec import TRIAL_SECTIONS, Assignment, JobSpec, Source, parse_key, substitute
from seqjobs.spec.locate import error_lines, in_text
from seqjobs.spec.overrides import apply_overrides
from seqjobs.spec.problems import Path, Problems
from seqjobs.spec.sections import DataSpec, HeaderSpec, ObjectiveSpec, TrialSpec
from seqjobs.spec.trial_check import check_files, check_header, check_trial
from seqjobs.spec.validation import validate_section


def load_job(path: str | FilePath, overrides: Sequence[str] = ()) -> JobSpec:
    """Reads, checks and returns the job in a spec file.

    `overrides` are `path=value` texts, as `fit.epochs=3`. Raises SpecError with every mistake found, as
    `CODE file:line:col path: what (got ...). Fix: ...`; imports neither TensorFlow nor Ray.
    """
    problems = Problems()
    file = FilePath(path)
    text = read_text(file, problems)
    if text is None:
        raise SpecError(error_lines(problems, Document(tree=None, places={}, source=str(path))))
    return parse_job(text, file, overrides)


def parse_job(text: str, path: FilePath, overrides: Sequence[str] = ()) -> JobSpec:
    """As `load_job`, from a text; `path` names it in messages and is what its relative paths start from."""
    problems = Problems()
    document = read_document(text, str(path), problems) or Document(tree=None, places={}, source=str(path))
    if not isinstance(document.tree, dict):
        if not len(problems):
            problems.add("E101", (), "a spec is a mapping of sections", got=document.tree, fix="write `name: ...`.")
        raise SpecError(error_lines(problems, document))
    apply_overrides(document, overrides, problems)
    job = _read_job(document, Source(path=path, text=text, overrides=tuple(overrides)), problems)
    if len(problems) or job is None:
        raise SpecError(error_lines(problems, document))
    return job


def _read_job(document: Document, source: Source, problems: Problems) -> JobSpec | None:
    tree = document.tree
    dimensions = _dimensions(tree, problems)
    variants = _variants(tree.get("variants"), dimensions, problems)
    header = validate_section(
        HeaderSpec,
        {key: value for key, value in tree.items() if key not in (*TRIAL_SECTIONS, "variants")},
        problems,
        other_keys=(*TRIAL_SECTIONS, "variants"),
    )
    template = {key: tree[key] for key in TRIAL_SECTIONS if key in tree}
    trial = _check_candidates(template, dimensions, variants, header, source.folder, problems)
    if header is None:
        return None
    check_header(header, dimensions, variants, problems)
    if trial is None:
        return None
    return JobSpec(
        name=header.name,
        seed=header.seed,
        search=header.search,
        objective=header.objective or _default_objective(trial),
        resources=header.resources,
        limits=header.limits,
        keep=header.keep,
        template=template,
        dimensions=dimensions,
        variants=variants,
        source=source,
        document=document,
    )


def _dimensions(tree: dict[str, Any], problems: Problems) -> tuple[Dimension, ...]:
    found: list[Dimension] = []
    for section in TRIAL_SECTIONS:
        value = tree.get(section)
        if section == "model" and isinstance(value, dict) and value and not is_dimension(value):
            found.extend(find_architectures(value, (section,), problems))
        else:
            found.extend(find_dimensions(value, (section,), problems))
    for section, value in tree.items():
        if section not in (*TRIAL_SECTIONS, "variants"):
            for dimension in find_dimensions(value, (section,), Problems()):
                what = f"no dimension may stand in `{section}`, which holds for the whole job"
                problems.add("E212", dimension.at.text, what, fix="write one value.")
    return tuple(found)


def _variants(value: Any, dimensions: tuple[Dimension, ...], problems: Problems) -> tuple[Assignment, ...]:
    """Explicit overrides: a list of mappings `dotted.path: value`."""
    if value is None:
        return ()
    if dimensions:
        fix = "write the dimensions' values into the variants, or drop the variants."
        problems.add("E209", ("variants",), "variants stand instead of dimensions, not beside them", fix=fix, at="key")
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) and item for item in value):
        fix = "write `- {fit.batch_size: 64}`, one line a variant."
        problems.add("E213", ("variants",), "variants are a list of mappings of paths to values", got=value, fix=fix)
        return ()
    for index, item in enumerate(value):
        for key in item:
            if parse_key(key)[0] not in TRIAL_SECTIONS:
                fix = f"start the path with one of {', '.join(TRIAL_SECTIONS)}."
                problems.add("E213", ("variants", index, key), "not a path that may vary", fix=fix, at="key")
        if item in value[:index]:
            problems.add("E213", ("variants", index), "this variant is listed twice", fix="remove one of them.")
    return tuple(value)


def _check_candidates(
    template: dict[str, Any],
    dimensions: tuple[Dimension, ...],
    variants: tuple[Assignment, ...],
    header: HeaderSpec | None,
    folder: FilePath,
    problems: Problems,
) -> TrialSpec | None:
    """Checks the sections at every value that a dimension or variant can bring in; returns them at the first."""
    first: TrialSpec | None = None
    looked_for: list[DataSpec] = []
    seen: set[tuple[str, str, tuple[str | int, ...]]] = set()
    for number, candidate in enumerate(candidates(dimensions, variants)):
        found = Problems()
        try:
            tree = substitute(template, dimensions, candidate.assignment, candidate.trace)
        except (KeyError, IndexError):
            # The path of a variant leads nowhere; a dimension's own path always leads somewhere.
            fix = "name a place that the sections above have."
            problems.add("E213", candidate.text_path, "there is nothing at this path", fix=fix, at="key")
            continue
        trial = validate_section(TrialSpec, tree, found)
        if trial is not None:
            check_trial(trial, header.objective if header else None, found)
        # Also where another section is wrong: a missing file is a mistake of its own.
        data = validate_section(DataSpec, tree.get("data", {}), Problems())
        if data is not None and data not in looked_for:
            looked_for.append(data)
            check_files(data, folder, found)
        if number == 0:
            first = trial
        for raw in found:
            problem = in_text(raw, candidate.trace)
            mark = (problem.code, problem.what, problem.path)
            if mark not in seen and not _in_dimension(tree, raw.path):
                seen.add(mark)
                problems.extend([problem])
    return first


def _in_dimension(tree: Any, path: Path) -> bool:
    """Whether a path leads into a dimension that could not be read, whose mistake is noted already."""
    for part in path:
        if is_dimension(tree):
            return True
        if not isinstance(tree, dict | list):
            return False
        tree = tree.get(part) if isinstance(tree, dict) else tree[int(part)] if int(part) < len(tree) else None
    return is_dimension(tree)


def _default_objective(trial: TrialSpec) -> ObjectiveSpec:
    validated = trial.data.validation is not None or trial.fit.validation_split > 0
    return ObjectiveSpec(metric="val_loss" if validated else "loss", direction="minimize")
