"""The assignments that a job's search section asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator

from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.jobspec.job_spec import Assignment, JobSpec
from seqjobs.jobspec.locate import located
from seqjobs.search.samplers import SAMPLERS
from seqjobs.search.space import SearchSpace, fraction

DEFAULT_TRIALS = 10
MAX_TRIALS = 100_000
# A random draw that was drawn before is drawn again, so often per assignment asked for; then the space is
# as good as exhausted, and what is left of it is listed.
DRAWS_PER_ASSIGNMENT = 20


def num_wanted(job: JobSpec) -> int:
    """How many assignments are asked for, and can be had. Raises SpecError E501 where trials would be too many."""
    if job.variants or not job.dimensions:
        wanted: int | None = len(job.variants) or 1
    else:
        wanted = SearchSpace(dimensions=job.dimensions).size()
        if job.search.sampler != "grid":
            asked = job.search.trials or DEFAULT_TRIALS
            wanted = asked if wanted is None else min(asked, wanted)
    if wanted is None or wanted * job.search.repeats > MAX_TRIALS:
        raise SpecError(_too_many(job, wanted))
    return wanted


def _too_many(job: JobSpec, wanted: int | None) -> list[Problem]:
    problems, repeats = Problems(), job.search.repeats
    count = "endless" if wanted is None else f"{wanted:,} assignments"
    product = f", repeated {repeats:,} times" if repeats > 1 else ""
    kind = "the grid has" if job.search.sampler == "grid" and wanted is not None else "the search asks for"
    fix = "use fewer values, or the sampler random." if job.search.sampler == "grid" else "ask for fewer trials."
    what = "the grid is endless" if wanted is None else f"{kind} {count}{product}, and a run has at most {MAX_TRIALS:,}"
    problems.add("E501", ("search",), what, fix=fix, at="key")
    return located(problems, job.document)


def propose(job: JobSpec, wanted: int) -> Iterator[Assignment]:
    """Yield the variants, or what the sampler proposes for the dimensions, or the one empty assignment."""
    if job.variants or not job.dimensions:
        yield from job.variants or ({},)
        return
    space, sampler = SearchSpace(dimensions=job.dimensions), SAMPLERS[job.search.sampler]()
    size = space.size()
    if size == wanted:
        yield from space.grid(0, size)
        return
    drawn: set[str] = set()
    encode = json.JSONEncoder(sort_keys=True).encode
    for start in range(0, wanted * DRAWS_PER_ASSIGNMENT, wanted):
        for assignment in sampler.propose(space, seed=job.seed, start=start, count=wanted):
            text = encode(assignment)
            if text not in drawn:
                drawn.add(text)
                yield assignment
    if size is not None and size <= MAX_TRIALS:
        # In an order of their own, so that what rarely comes is no less likely than its neighbours.
        for number in sorted(range(size), key=lambda number: fraction(job.seed, "", number)):
            yield from space.grid(number, 1)
