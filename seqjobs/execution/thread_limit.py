"""check_thread_limit: whether this user may have as many threads as a local Ray begins."""

from __future__ import annotations

import contextlib
import os
import resource

import psutil

from seqjobs.errors import ClusterError

# Of a driver, Ray's two servers and one worker, with TensorFlow in it; and then some.
LEAST_FREE_THREADS = 256
# To count threads takes a while, and where there may be so many none will be missing.
MANY_THREADS = 4096


def check_thread_limit() -> None:
    """Raises ClusterError E522: where a thread cannot begin, Ray aborts the process and does not say of what."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    # The kernel holds the superuser to no such limit.
    if limit == resource.RLIM_INFINITY or limit > MANY_THREADS or os.geteuid() == 0:
        return
    used = _threads_of(os.geteuid())
    if limit - used < LEAST_FREE_THREADS:
        what = f"this user has {used} of at most {limit} processes and threads"
        what = f"{what}; a local Ray needs {LEAST_FREE_THREADS} more"
        raise ClusterError("E522", what, fix="raise the limit, which `ulimit -u` shows.")


def _threads_of(user: int) -> int:
    count = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            count += process.num_threads() if process.uids().real == user else 0
    return count
