"""Weights on disk: `.npz` files named by their content, without pickle."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zipfile
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import BinaryIO, final

import numpy as np

from seqjobs.data.dataset import Array
from seqjobs.errors import StorageError
from seqjobs.results.run_names import WEIGHTS, weights_name
from seqjobs.store.durable import reported
from seqjobs.store.run_store import RunStore, digest_of
from seqjobs.training.outcome import Weights

_FIX = "restore it from a copy, or train its trial again: `seqjobs fsck --repair`."


@final
class WeightsStore:
    """The `weights` folder of a run."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def save(self, weights: Weights) -> str:
        """Makes weights durable and returns the SHA-256 that names them. Raises StorageError."""
        content = encode_weights(weights)
        digest = hashlib.sha256(content).hexdigest()
        name = weights_name(digest)
        with reported("weights cannot be written", self._store.where(name)):
            try:
                self._store.create(name, content)
            except FileExistsError:
                # The name is the content's hash, so what is there has been damaged.
                self._store.put(name, content)
        return digest

    def load(self, digest: str) -> Weights:
        """Return the weights of a name. Raises StorageError if the file is missing or damaged."""
        name = weights_name(digest)
        where = self._store.where(name)
        try:
            if digest_of(self._store, name) != digest:
                raise StorageError("E609", "this file of weights is damaged", where=where, fix=_FIX)
            return decode_weights(io.BytesIO(self._store.get(name)))
        except StorageError:  # (an OSError too)
            raise
        except OSError as error:
            what = f"weights cannot be read: {error.strerror}"
            raise StorageError("E610", what, where=where, fix=_FIX) from error
        except (ValueError, MemoryError) as error:
            what = f"this file has no weights of seqjobs: {str(error) or 'they do not fit into memory'}"
            raise StorageError("E609", what, where=where, fix=_FIX) from error

    def remove(self, digests: Iterable[str]) -> None:
        """Remove weights, if they are there. Raises StorageError."""
        self._delete(map(weights_name, digests))

    def keep_only(self, digests: AbstractSet[str | None]) -> None:
        """Remove all other weights. Raises StorageError."""
        kept = {weights_name(digest) for digest in digests if digest is not None}
        with reported("weights cannot be removed", self._store.where(WEIGHTS)):
            names = [f"{WEIGHTS}/{name}" for name in self._store.list(WEIGHTS)]
        self._delete(name for name in names if name not in kept)

    def _delete(self, names: Iterable[str]) -> None:
        with reported("weights cannot be removed", self._store.where(WEIGHTS)):
            # What comes back after a power cut, the next submit removes.
            self._store.delete(names, lasting=False)


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
