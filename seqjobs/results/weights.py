"""Weights on disk: `.npz` files named by their content, without pickle."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zipfile
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import BinaryIO, final

import numpy as np

from seqjobs.data.dataset import Array
from seqjobs.errors import StorageError
from seqjobs.planning.run_paths import RunPaths
from seqjobs.storage import durable
from seqjobs.storage.plain_file import digest_of, open_plain
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
                if not _has(path, digest):
                    durable.replace(path, content)
        return digest

    def load(self, digest: str) -> Weights:
        """The weights of that name. Raises StorageError where the file is missing or damaged."""
        path = self._paths.weights_file(digest)
        try:
            if digest_of(path) != digest:
                raise StorageError("E609", "this file of weights is damaged", where=str(path), fix=_FIX)
            with open_plain(path) as file:
                return decode_weights(file)
        except StorageError:  # (an OSError too)
            raise
        except OSError as error:
            what = f"weights cannot be read: {error.strerror}"
            raise StorageError("E610", what, where=str(path), fix=_FIX) from error
        except (ValueError, MemoryError) as error:
            what = f"this file has no weights of seqjobs: {str(error) or 'they do not fit into memory'}"
            raise StorageError("E609", what, where=str(path), fix=_FIX) from error

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


def _has(path: Path, digest: str) -> bool:
    """Return whether a file has the content with this SHA-256; not if it cannot be read."""
    try:
        return digest_of(path) == digest
    except OSError:
        return False


def decode_weights(file: BinaryIO) -> Weights:
    """Return what `encode_weights` wrote.

    Nothing in the file can take more memory than the file has bytes. Raises ValueError for what it did not write.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(archive, file)
            return tuple(_array(archive, member) for member in archive.infolist())
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OverflowError, RuntimeError, struct.error) as error:
        raise ValueError(str(error)) from error


def _check_members(archive: zipfile.ZipFile, file: BinaryIO) -> None:
    """Raises ValueError unless the members are named as `encode_weights` names them, and are stored as they are."""
    members = archive.infolist()
    if [member.filename for member in members] != [f"{index:04d}.npy" for index in range(len(members))]:
        raise ValueError("its members have other names")
    if any(member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 for member in members):
        raise ValueError("its members are compressed")
    if sum(member.file_size for member in members) > file.seek(0, io.SEEK_END):
        raise ValueError("its members are larger than the file")


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        # Version 2 is for headers of records, which no weights are.
        if version != (1, 0):
            raise ValueError("an array has another format")
        shape, in_columns, dtype = np.lib.format.read_array_header_1_0(member)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or in_columns or size != info.file_size - member.tell():
            raise ValueError("an array has another size than it says")
        content = member.read()
    if len(content) != size:
        raise ValueError("an array is cut off")
    return np.ndarray(shape, dtype, content)
