"""seqjobs trains many Keras Sequential models as one batch on Ray, and ranks them.

    from seqjobs import load_job, make_plan, submit, Run
    run = submit(["jobs/quickstart.yaml"])
    print(run.best)

Each name is imported when it is first used, so that `import seqjobs` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqjobs.jobspec.load import load_job
    from seqjobs.planning.plan import make_plan
    from seqjobs.results.run import Run
    from seqjobs.run import run_job, submit

__version__ = "0.1.0"

_HOMES = {
    "Run": "seqjobs.results.run",
    "load_job": "seqjobs.jobspec.load",
    "make_plan": "seqjobs.planning.plan",
    "run_job": "seqjobs.run",
    "submit": "seqjobs.run",
}

__all__ = ["Run", "load_job", "make_plan", "run_job", "submit"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'seqjobs' has no attribute '{name}'")
