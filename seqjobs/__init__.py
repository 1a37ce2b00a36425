"""seqjobs trains many Keras Sequential models as one batch on Ray, and ranks them.

    from seqjobs import load_job, plan_jobs, submit, Run
    run = submit(["jobs/quickstart.yaml"])
    print(run.best)

Each name is imported when it is first used, so that `import seqjobs` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqjobs.jobspec.load import load_job
    from seqjobs.preview import plan_jobs
    from seqjobs.results.run import Run
    from seqjobs.run import run_job, submit

__version__ = "0.1.0"

_HOMES = {
    "Run": "seqjobs.results.run",
    "load_job": "seqjobs.jobspec.load",
    "plan_jobs": "seqjobs.preview",
    "run_job": "seqjobs.run",
    "submit": "seqjobs.run",
}

__all__ = ["Run", "load_job", "plan_jobs", "run_job", "submit"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'seqjobs' has no attribute '{name}'")
