"""fingerprint: what a kept cluster and a submit must have in common for the one to serve the other."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqjobs.execution.import_path import worker_environment
from seqjobs.execution.versions import versions

_PACKAGE = Path(__file__).parents[2]
# A worker has the environment of the cluster that it was started in, not that of a submit.
_VARIABLES = (
    *("TF_", "XLA_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "LD_", "MALLOC_"),
    *("AWS_", "GOOGLE_", "AZURE_", "HADOOP_", "ARROW_", "SEQJOBS_"),
)
# Set by ourselves before TensorFlow is imported, or without influence on what is computed.
_WITHOUT_MEANING = frozenset({"TF_CPP_MIN_LOG_LEVEL", "SEQJOBS_RUNS_DIR", "SEQJOBS_TRACEBACK"})


def fingerprint(start: Callable[[int], Any]) -> str:
    """A hash of our own source, the versions, Python, `start`, and the environment that a worker looks at."""
    found = {
        "source": source_hash(_PACKAGE),
        "versions": versions(),
        "python": [sys.prefix, sys.version, worker_environment()],
        "start": _start_hash(start),
        "environment": {name: value for name, value in sorted(os.environ.items()) if _matters(name)},
    }
    return hashlib.sha256(json.dumps(found).encode(errors="surrogateescape")).hexdigest()


def source_hash(package: Path) -> str:
    """Of the folder and the content of every Python file in it."""
    digest = hashlib.sha256(os.fsencode(package))
    for path in sorted(package.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(package)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _start_hash(start: Callable[[int], Any]) -> str:
    try:
        return hashlib.sha256(pickle.dumps(start)).hexdigest()
    except (pickle.PicklingError, AttributeError, TypeError):  # a function made on the fly is equal to no other
        return secrets.token_hex()


def _matters(name: str) -> bool:
    return name.startswith(_VARIABLES) and name not in _WITHOUT_MEANING
