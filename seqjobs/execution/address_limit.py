"""check_address_limit: whether the processes of a local Ray may have the addresses that they reserve."""

from __future__ import annotations

import shutil

from seqjobs.data.free_memory import free_bytes_of_machine
from seqjobs.errors import ClusterError
from seqjobs.errors.out_of_memory import CODE, address_limit
from seqjobs.errors.sizes import shown_bytes

# What a worker with TensorFlow reserves, measured: 3.1 GiB. It holds a fifth of this.
WORKER_BYTES = 3 << 30
# Ray's object store, which each process maps whole: a share of the free memory, and no more than /dev/shm has.
_STORE_SHARE = 0.3
_MOST_STORE_BYTES = 200 * 10**9


def check_address_limit() -> None:
    """Raises ClusterError E530: Ray's processes abort without a reason, or never answer, under a limit that is low."""
    limit = address_limit()
    if limit is None:
        return
    needed = WORKER_BYTES + _store_bytes()
    if limit < needed:
        what = f"`ulimit -v` limits each process to {shown_bytes(limit)} of addresses"
        what = f"{what}; those of a local Ray reserve {shown_bytes(needed)}, most of which they never use"
        fix = "raise the limit with `ulimit -v unlimited`; resources.memory limits what a worker holds."
        raise ClusterError(CODE, what, fix=fix)


def _store_bytes() -> int:
    try:
        shared = shutil.disk_usage("/dev/shm").total
    except OSError:
        shared = _MOST_STORE_BYTES
    return int(min(free_bytes_of_machine() * _STORE_SHARE, shared, _MOST_STORE_BYTES))
