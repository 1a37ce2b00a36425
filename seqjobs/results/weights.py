"""Weights on disk: `.npz` files named by their content, without pickle."""

from __future__ import annotations

import hashlib
import io
from typing import final

import numpy as np

from seqjobs.errors import StorageError
from seqjobs.planning.run_paths import RunPaths
from seqjobs.storage import durable
from seqjobs.training.outcome import Weights


@final
class WeightsStore:
    """The `weights` folder of a run."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths

    def save(self, weights: Weights) -> str:
        """Makes weights durable and returns the SHA-256 that names them. Raises StorageError."""
        content = encode_weights(weights)
        digest = hashlib.sha256(content).hexdigest()
        path = self._paths.weights_file(digest)
        try:
            durable.create_once(path, content)
        except FileExistsError:
            pass  # the name is the content's hash, so what is there is the same
        except OSError as error:
            what, fix = f"weights cannot be written: {error.strerror}", "see to the disk, then submit again."
            raise StorageError("E606", what, where=str(path), fix=fix) from error
        return digest

    def load(self, digest: str) -> Weights:
        """The weights of that name. Raises StorageError where the file is missing or damaged."""
        path = self._paths.weights_file(digest)
        try:
            content = path.read_bytes()
        except OSError as error:
            what = f"weights cannot be read: {error.strerror}"
            raise StorageError("E610", what, where=str(path), fix="restore them from a copy.") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise StorageError(
                "E610", "this file of weights is damaged", where=str(path), fix="restore it from a copy."
            )
        return decode_weights(content)

    def keep_only(self, digests: set[str]) -> None:
        """Removes the weights that nothing refers to any more, and what killed writers left behind."""
        for path in self._paths.weights.glob("*"):
            if path.stem not in digests:
                path.unlink(missing_ok=True)


def encode_weights(weights: Weights) -> bytes:
    """Arrays in order, as members `0000.npy`, `0001.npy`, ...; equal weights give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{f"{index:04d}": array for index, array in enumerate(weights)})
    return buffer.getvalue()


def decode_weights(content: bytes) -> Weights:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return tuple(arrays[name] for name in sorted(arrays.files))
