"""Variants: explicit overrides of a template, one per trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqjobs.errors.problems import Path, Problems, did_you_mean
from seqjobs.jobspec.dimensions import Dimension, places_of_dimensions
from seqjobs.jobspec.substitution import Assignment, override, parse_key
from seqjobs.jobspec.trial_sections import TRIAL_SECTIONS

MAX_VARIANTS = 10_000


def read_variants(
    value: Any, template: Mapping[str, Any], dimensions: tuple[Dimension, ...], problems: Problems
) -> tuple[Assignment, ...]:
    """Return the mappings `dotted.path: value`, an empty one for each that is wrong (E209, E213, E214)."""
    here: Path = ("variants",)
    if value is None:
        return ()
    if dimensions:
        fix = "write the dimensions' values into the variants, or drop the variants."
        problems.add("E209", here, "a spec has variants or dimensions, not both", fix=fix, at="key")
        return ()
    fix = "write `- {fit.batch_size: 64}`, one line per variant."
    if not isinstance(value, list) or not value:
        problems.add("E213", here, "variants are a list of mappings of paths to values", got=value, fix=fix)
        return ()
    if len(value) > MAX_VARIANTS:
        what = f"a job has at most {MAX_VARIANTS:,} variants, not {len(value):,}"
        problems.add("E214", here, what, fix="split it into several jobs.")
        return ()
    variants: list[Assignment] = []
    for index, item in enumerate(value):
        before = len(problems)
        if not isinstance(item, dict) or not item:
            problems.add("E213", (*here, index), "a variant is a mapping of paths to values", got=item, fix=fix)
        else:
            _check_variant(item, template, (*here, index), problems)
        variants.append(item if len(problems) == before else {})
    return tuple(variants)


def _check_variant(item: dict[str, Any], template: Mapping[str, Any], here: Path, problems: Problems) -> None:
    before = len(problems)
    for key, value in item.items():
        section = key.split(".")[0]
        if section not in TRIAL_SECTIONS:
            guess = did_you_mean(section, TRIAL_SECTIONS)
            fix = guess if guess.endswith("?") else f"begin it with {', '.join(TRIAL_SECTIONS)}."
            problems.add("E213", (*here, key), "a variant cannot change this path", fix=fix, at="key")
            continue
        for place in places_of_dimensions(value, (*here, key)):
            fix = "write one value, or drop the variants and write the dimension in its section."
            problems.add("E212", place, "a variant cannot hold a dimension", fix=fix)
        try:
            parse_key(key)
        except KeyError:
            what = "a path is names and numbers separated by dots"
            problems.add("E213", (*here, key), what, fix="write it as fit.batch_size.", at="key")
    if len(problems) > before:
        return
    try:
        override(template, item, here)
    except KeyError as error:
        fix = "name a place that the sections above have."
        problems.add("E213", (*here, str(error.args[0])), "there is nothing at this path", fix=fix, at="key")
