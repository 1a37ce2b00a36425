"""examine: check whether this machine, and the cluster, can run jobs."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from seqjobs.errors import ClusterError
from seqjobs.execution.ray_pool import RayPool
from seqjobs.execution.versions import versions
from seqjobs.planning.resources import Resources

GIB = 2**30
LEAST_FREE_DISK = 2 * GIB
LEAST_FREE_MEMORY = 2 * GIB


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check; `hint` says what to do if it failed."""

    name: str
    value: str
    ok: bool = True
    hint: str = ""


def examine(address: str | None = None, workers: int | None = None) -> Iterator[Finding]:
    """Yield each finding as it is made: first quick checks, then Ray, then TensorFlow in a worker."""
    yield from _installed()
    yield from _machine()
    yield from _cluster(address, workers)


def _installed() -> Iterator[Finding]:
    for name, version in versions().items():
        missing = version == "missing"
        yield Finding(name=name, value=version, ok=not missing, hint=f"run `pip install {name}`." if missing else "")
    ok = sys.version_info >= (3, 11)
    yield Finding(name="interpreter", value=sys.executable, ok=ok, hint="" if ok else "use Python 3.11 or newer.")


def _machine() -> Iterator[Finding]:
    yield Finding(name="CPUs", value=f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}")
    free = psutil.virtual_memory().available
    hint = "" if free >= LEAST_FREE_MEMORY else "close other programs: a worker with TensorFlow needs about 1 GiB."
    yield Finding(name="free memory", value=f"{free / GIB:.1f} GiB", ok=not hint, hint=hint)
    for name, path in (("free disk here", Path.cwd()), ("free shared memory", Path("/dev/shm"))):
        if path.is_dir():
            left = shutil.disk_usage(path).free
            hint = "" if left >= LEAST_FREE_DISK else f"free at least {LEAST_FREE_DISK / GIB:g} GiB in {path}."
            yield Finding(name=name, value=f"{left / GIB:.1f} GiB", ok=not hint, hint=hint)


def _cluster(address: str | None, workers: int | None) -> Iterator[Finding]:
    began = time.monotonic()
    name = "Ray" if address is None else f"Ray at {address}"
    try:
        warnings: list[str] = []
        with RayPool({Resources(): workers or 1}, workers=workers, address=address, warn=warnings.append) as pool:
            yield Finding(name=name, value=f"reached in {time.monotonic() - began:.1f} s")
            yield from (Finding(name="warning", value=text) for text in warnings)
            facts = pool.describe()
            took = time.monotonic() - began
            found = ", ".join(f"{library} {version}" for library, version in facts.versions)
            yield Finding(name="worker", value=f"ready in {took:.1f} s on {facts.node}, {found}")
            yield Finding(name="devices", value=", ".join(facts.devices))
    except ClusterError as error:
        yield Finding(name=name, value=error.what, ok=False, hint=error.fix)
