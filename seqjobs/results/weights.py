"""Weights on disk: `.npz` files named by their content, without pickle."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import final

import numpy as np

from seqjobs.errors import StorageError
from seqjobs.planning.run_paths import RunPaths
from seqjobs.storage import durable
from seqjobs.training.outcome import Weights

_FIX = "restore it from a copy, or train its trial again: `seqjobs fsck --repair`."


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
        with durable.reported("weights cannot be written", path):
            try:
                durable.create_once(path, content)
            except FileExistsError:
                # The name is the content's hash, so it is the same unless the disk has spoilt it.
                if path.read_bytes() != content:
                    durable.replace(path, content)
        return digest

    def load(self, digest: str) -> Weights:
        """The weights of that name. Raises StorageError where the file is missing or damaged."""
        path = self._paths.weights_file(digest)
        try:
            content = path.read_bytes()
        except OSError as error:
            what = f"weights cannot be read: {error.strerror}"
            raise StorageError("E610", what, where=str(path), fix=_FIX) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise StorageError("E609", "this file of weights is damaged", where=str(path), fix=_FIX)
        return decode_weights(content)

    def remove(self, digests: Iterable[str]) -> None:
        """Removes weights, where they are there. Raises StorageError."""
        for path in map(self._paths.weights_file, digests):
            with durable.reported("weights cannot be removed", path):
                path.unlink(missing_ok=True)

    def keep_only(self, digests: AbstractSet[str | None]) -> None:
        """Removes all other weights, and what killed writers left behind. Raises StorageError."""
        names = {self._paths.weights_file(digest).name for digest in digests if digest is not None}
        with durable.reported("weights cannot be removed", self._paths.weights):
            for path in self._paths.weights.iterdir():
                if path.name not in names:
                    path.unlink(missing_ok=True)


def encode_weights(weights: Weights) -> bytes:
    """Arrays in order, as members `0000.npy`, `0001.npy`, ...; equal weights give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for index, array in enumerate(weights):
            # By its name alone a member gets one and the same date.
            with file.open(f"{index:04d}.npy", "w", force_zip64=True) as member:
                # In C order, whatever the memory's: else equal arrays might differ on disk.
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
    return buffer.getvalue()


def decode_weights(content: bytes) -> Weights:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return tuple(arrays[name] for name in sorted(arrays.files, key=int))
