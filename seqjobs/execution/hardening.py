"""harden: what a process gives up before it works on a spec and on data that somebody else may have written."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from dataclasses import dataclass

from seqjobs.execution.start_runner import StartRunner
from seqjobs.training.outcome import PackRunner
from seqjobs.training.span import Span

# Variables by which a user allows Ray's readers to unpickle what files hold. Nothing here reads with them.
_LETS_FILES_RUN_CODE = "RAY_DATA_AUTOLOAD_"
# Of linux/prctl.h.
_PR_SET_NO_NEW_PRIVS = 38


def harden() -> None:
    """Takes from this process what training never needs; nothing of it can be taken back.

    A crash writes its memory to no file, for credentials may be in it; what is run gains no rights from its file (on
    Linux, and of threads that begin from here on); nobody else may read what is written.

    There is no limit on memory: TensorFlow reserves a multiple of what it uses (1.6 GiB where it holds 0.35), and where
    a reservation fails LLVM ends the process, or a trial fails that would have fit.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Kernels without it leave the process as it was.
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.umask(0o077)
    for name in [name for name in os.environ if name.startswith(_LETS_FILES_RUN_CODE)]:
        del os.environ[name]


@dataclass(frozen=True, kw_only=True)
class Hardened:
    """Starts a runner as `start` does, in a process that is hardened first: threads of libraries inherit it."""

    start: StartRunner

    def __call__(self, cpus: int, span: Span | None = None, *, gpu_share: float | None = None) -> PackRunner:
        harden()
        if gpu_share is not None:
            return self.start(cpus, gpu_share=gpu_share)
        return self.start(cpus) if span is None else self.start(cpus, span)
