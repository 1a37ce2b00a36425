"""load_jobs: the jobs of several spec files, or the mistakes of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from seqjobs.errors import SpecError
from seqjobs.spec.job_spec import JobSpec
from seqjobs.spec.load import load_job


def load_jobs(specs: Iterable[Path], overrides: tuple[str, ...]) -> tuple[JobSpec, ...]:
    """Raises one SpecError with every mistake of every file; one of an override is said once."""
    jobs: list[JobSpec] = []
    lines: list[str] = []
    for spec in specs:
        try:
            jobs.append(load_job(spec, overrides))
        except SpecError as error:
            lines.extend(error.lines)
    if lines:
        raise SpecError(dict.fromkeys(lines))
    return tuple(jobs)
