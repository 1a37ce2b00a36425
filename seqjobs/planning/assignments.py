"""The assignments a job's search section asks for."""

from __future__ import annotations

import json

from seqjobs.errors import SpecError
from seqjobs.search.samplers import SAMPLERS
from seqjobs.search.space import SearchSpace
from seqjobs.spec.job_spec import Assignment, JobSpec

DEFAULT_TRIALS = 10
MAX_ASSIGNMENTS = 100_000
# A random draw that was drawn before is drawn again, so often per assignment asked for; then the space is
# as good as exhausted.
DRAWS_PER_ASSIGNMENT = 20


def assignments_of(job: JobSpec) -> tuple[Assignment, ...]:
    """The variants, or what the sampler proposes for the dimensions, or the one empty assignment.

    Raises SpecError E501 where a grid is larger than MAX_ASSIGNMENTS.
    """
    if job.variants:
        return job.variants
    space = SearchSpace(dimensions=job.dimensions)
    if not space.dimensions:
        return ({},)
    sampler, size = SAMPLERS[job.search.sampler](), space.size()
    if job.search.sampler == "grid":
        if size is None or size > MAX_ASSIGNMENTS:
            count = "without end" if size is None else f"of {size:,} assignments"
            raise SpecError([f"E501 {job.source.path} search: a grid {count}. Fix: use fewer values, or random."])
        return sampler.propose(space, seed=job.seed, start=0, count=size)
    wanted = min(job.search.trials or DEFAULT_TRIALS, size if size is not None else MAX_ASSIGNMENTS)
    found: dict[str, Assignment] = {}
    start = 0
    while len(found) < wanted and start < wanted * DRAWS_PER_ASSIGNMENT:
        for assignment in sampler.propose(space, seed=job.seed, start=start, count=wanted):
            if len(found) < wanted:
                found.setdefault(json.dumps(assignment, sort_keys=True), assignment)
        start += wanted
    return tuple(found.values())
