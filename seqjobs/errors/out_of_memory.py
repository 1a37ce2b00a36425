"""Messages for a process that gets no more memory, and the limit that it may run under."""

from __future__ import annotations

import errno
import os
import resource

from seqjobs.errors.message import message
from seqjobs.errors.sizes import shown_bytes

CODE = "E530"
# What the dynamic linker says of a library that does not fit into the addresses that are left.
_NOT_LOADED = ("failed to map segment", "cannot allocate memory", "cannot create shared object descriptor")
# What NumPy and Arrow reserve, measured; each of their threads has a stack and a buffer.
_LEAST_BYTES = 256 << 20
_LEAST_BYTES_OF_CPU = 32 << 20


def address_limit() -> int | None:
    """Return the bytes of addresses that this process may have (`ulimit -v`), or None if there is no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def describe_address_limit() -> str:
    """Return words to follow a statement about free memory; empty if `ulimit -v` sets no limit."""
    limit = address_limit()
    return "" if limit is None else f"; `ulimit -v` limits this process to {shown_bytes(limit)}"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that this process gets no more memory."""
    if isinstance(error, ImportError):
        return any(words in str(error).lower() for words in _NOT_LOADED)
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)


def is_limit_too_low() -> bool:
    """Return whether `ulimit -v` is too low to read data at all: libraries would end the process as they start."""
    limit = address_limit()
    return limit is not None and limit < _LEAST_BYTES + _LEAST_BYTES_OF_CPU * (os.cpu_count() or 1)


def out_of_memory() -> str:
    """Return the message of E530 for a command that got no more memory."""
    fix = "raise the limit" if address_limit() is not None else "free memory on this machine, or use a larger one"
    what = f"there is not enough memory for this command{describe_address_limit()}"
    return message(what, fix=f"{fix}, then run the same command again.", code=CODE)
