"""load_job: a spec file -> JobSpec, or every mistake in it at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import Any

from seqjobs.errors import SpecError
from seqjobs.errors.problems import Path, Problem, Problems, shown
from seqjobs.jobspec.dimensions import (
    MAX_DIMENSIONS,
    MAX_TOTAL_OPTIONS,
    Choice,
    Dimension,
    find_architectures,
    find_dimensions,
    is_dimension,
    places_of_dimensions,
)
from seqjobs.jobspec.document import Document, read_document
from seqjobs.jobspec.job_spec import TRIAL_SECTIONS, JobSpec, Source
from seqjobs.jobspec.locate import located
from seqjobs.jobspec.overrides import apply_overrides
from seqjobs.jobspec.secret_keys import flag_secret_keys
from seqjobs.jobspec.sections import HeaderSpec, ObjectiveSpec
from seqjobs.jobspec.spec_file import STDIN, read_text
from seqjobs.jobspec.template_check import check_template
from seqjobs.jobspec.trial_check import check_header
from seqjobs.jobspec.validation import validate_section
from seqjobs.jobspec.variants import read_variants

NO_DATA = "E401"


class MissingDataError(SpecError):
    """Specs whose only mistake is that data files are not found; `jobs` are what they say."""

    def __init__(self, problems: Iterable[Problem], jobs: tuple[JobSpec, ...]) -> None:
        super().__init__(problems)
        self.jobs = jobs


def load_job(path: str | FilePath, overrides: Sequence[str] = ()) -> JobSpec:
    """Reads, checks and returns the job in a spec file, or with `-` the one that comes through standard input.

    `overrides` are `path=value` texts, as `fit.epochs=3`. Raises SpecError with every mistake found, a MissingDataError
    if only data files are missing. Imports neither TensorFlow nor Ray.
    """
    problems = Problems()
    file = FilePath(path)
    text = read_text(file, problems)
    if text is None:
        raise SpecError(located(problems, Document(tree=None, places={}, source=str(path))))
    return parse_job(text, file, overrides)


def load_jobs(paths: Iterable[str | FilePath], overrides: Sequence[str] = ()) -> tuple[JobSpec, ...]:
    """The jobs of several spec files. Raises one SpecError with the mistakes of all of them, as `load_job` does."""
    jobs: list[JobSpec] = []
    found: list[Problem] = []
    only_data_is_missing = True
    paths = tuple(paths)
    if sum(FilePath(path) == STDIN for path in paths) > 1:
        problems = Problems()
        problems.add("E113", (), "standard input is named twice", fix="name `-` once.")
        raise SpecError(located(problems, Document(tree=None, places={}, source=str(STDIN))))
    for path in paths:
        try:
            jobs.append(load_job(path, overrides))
        except MissingDataError as error:
            jobs.extend(error.jobs)
            found.extend(error.problems)
        except SpecError as error:
            only_data_is_missing = False
            found.extend(error.problems)
    if found:
        raise MissingDataError(found, tuple(jobs)) if only_data_is_missing else SpecError(found)
    return tuple(jobs)


def parse_job(text: str, path: FilePath, overrides: Sequence[str] = ()) -> JobSpec:
    """As `load_job`, from a text; `path` names it in messages and is what its relative paths start from."""
    return _parse(text, path, overrides, path.parent)


def parse_stored_job(text: str, path: FilePath, overrides: Sequence[str] = ()) -> JobSpec:
    """As `parse_job`, without a look at the data files: what a run keeps outlives them."""
    return _parse(text, path, overrides, None)


def _parse(text: str, path: FilePath, overrides: Sequence[str], folder: FilePath | None) -> JobSpec:
    """Data files are looked for in `folder`, or not at all."""
    problems = Problems()
    document = read_document(text, str(path), problems)
    if not isinstance(document.tree, dict):
        if not len(problems):
            what = "the spec is empty" if document.tree is None else "a spec is a mapping of sections"
            fix = "begin with `name:` and a job's name; `seqjobs schema` prints the format."
            problems.add("E101", (), what, got=document.tree, fix=fix)
        raise SpecError(located(problems, document))
    apply_overrides(document, overrides, problems)
    found = Problems()
    job = _read_job(document, Source(path=path, text=text, overrides=tuple(overrides)), folder, found)
    told = flag_secret_keys(found, document.tree)
    problems.extend(problem for problem in told if not _is_unreadable(document, problem))
    if job is not None and len(problems) and all(problem.code == NO_DATA for problem in problems):
        raise MissingDataError(located(problems, document), (job,))
    if len(problems) or job is None:
        raise SpecError(located(problems, document))
    return job


def _is_unreadable(document: Document, problem: Problem) -> bool:
    """Whether a problem speaks of a value that was refused as it is written, and is not what the author meant."""
    return any(problem.path[:length] in document.unreadable for length in range(len(problem.path) + 1))


def _read_job(document: Document, source: Source, folder: FilePath | None, problems: Problems) -> JobSpec | None:
    tree = document.tree
    dimensions = _dimensions(tree, problems)
    header = _header(tree, problems)
    objective = header.objective if header is not None else _objective(tree.get("objective"))
    template = {key: tree[key] for key in TRIAL_SECTIONS if key in tree}
    if "fit" not in tree and tree.keys() - {*HeaderSpec.model_fields, *TRIAL_SECTIONS, "variants"}:
        objective = None  # `fitt:` may hold the validation that it needs
    variants = read_variants(tree.get("variants"), template, dimensions, problems)
    checked = check_template(template, dimensions, variants, objective, folder, problems)
    if header is None:
        return None
    varies = any(True for _ in places_of_dimensions(template, ())) or bool(dimensions)
    check_header(header, dimensions, varies=varies, has_variants="variants" in tree, problems=problems)
    if checked is None:
        return None
    return JobSpec(
        name=header.name,
        seed=header.seed,
        search=header.search,
        objective=header.objective or ObjectiveSpec(metric=checked.default_metric, direction="minimize"),
        resources=header.resources,
        limits=header.limits,
        keep=header.keep,
        template=template,
        dimensions=dimensions,
        variants=tuple(variant for variant in variants if variant),
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
    if len(found) > MAX_DIMENSIONS:
        what = f"the spec has {len(found):,} dimensions; the limit is {MAX_DIMENSIONS}"
        problems.add("E214", found[MAX_DIMENSIONS].at.text, what, fix="replace some of them by one value.")
        return tuple(found[:1])
    total = sum(len(dimension.options) for dimension in found if isinstance(dimension, Choice))
    if total > MAX_TOTAL_OPTIONS:
        what = f"the choices have {total:,} values together; the limit is {MAX_TOTAL_OPTIONS:,}"
        problems.add("E214", found[-1].at.text, what, fix="list fewer, or use uniform or int_uniform.")
        return tuple(found[:1])
    keys = [dimension.key for dimension in found]
    for index, dimension in enumerate(found):
        if keys.index(dimension.key) < index:
            what = f"two dimensions would have the same name {shown(dimension.key)}"
            problems.add("E215", dimension.at.text, what, fix="rename a key; these differ only in dots.")
            return tuple(found[:1])
    return tuple(found)


def _header(tree: dict[str, Any], problems: Problems) -> HeaderSpec | None:
    """Return the sections that hold for the whole job; a dimension in them is one mistake (E212), not two."""
    values = {key: value for key, value in tree.items() if key not in (*TRIAL_SECTIONS, "variants")}
    places: set[Path] = set()
    for section, value in values.items():
        if section in HeaderSpec.model_fields:
            places.update(places_of_dimensions(value, (section,)))
    for place in places:
        what = f"`{place[0]}` applies to the whole job and cannot be a dimension"
        problems.add("E212", place, what, fix="write one value.")
    found = Problems()
    header = validate_section(HeaderSpec, values, found, other_keys=(*TRIAL_SECTIONS, "variants"))
    problems.extend(problem for problem in found if not any(problem.path[: len(place)] == place for place in places))
    return header


def _objective(value: object) -> ObjectiveSpec | None:
    """The objective by itself, for checks that go on where another section is wrong."""
    return None if value is None else validate_section(ObjectiveSpec, value, Problems())
