"""Checkpoints on disk: how far the packs have come that are still trained."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import final

from seqjobs.errors import StorageError
from seqjobs.results.run_names import CHECKPOINTS, checkpoint_name
from seqjobs.store.durable import reported
from seqjobs.store.run_store import RunStore
from seqjobs.training.outcome import PackCheckpoint

_MAGIC = b"seqjobs checkpoint 2\n"
_DIGEST_BYTES = hashlib.sha256().digest_size
_EPOCHS_BYTES = 8


@final
class CheckpointStore:
    """The `checkpoints` folder of a run; the last one of each pack, with the SHA-256 of it and of its epochs before it.

    Nothing of a result depends on them: a pack without one, or whose own is damaged or of another version, begins anew.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        # Thousands of packs never have one: they are not looked for one by one.
        self._ids = set(self._stored_ids())

    def save(self, pack_id: str, checkpoint: PackCheckpoint) -> None:
        """Makes it durable, in place of the one before. Raises StorageError."""
        name = checkpoint_name(pack_id)
        body = checkpoint.epochs.to_bytes(_EPOCHS_BYTES, "big") + checkpoint.content
        with reported("a checkpoint cannot be written", self._store.where(name)):
            self._store.make_folders(CHECKPOINTS)
            self._store.put(name, _MAGIC + hashlib.sha256(body).digest() + body)
        self._ids.add(pack_id)

    def epochs(self, pack_id: str) -> int:
        """How many are over in its checkpoint; 0 where there is none that is whole."""
        checkpoint = self.load(pack_id)
        return 0 if checkpoint is None else checkpoint.epochs

    def load(self, pack_id: str) -> PackCheckpoint | None:
        """None where there is none that is whole."""
        if pack_id not in self._ids:
            return None
        try:
            stored = self._store.get(checkpoint_name(pack_id))
        except (OSError, MemoryError):
            return None
        sealed = stored.removeprefix(_MAGIC)
        digest, body = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
        if sealed is stored or hashlib.sha256(body).digest() != digest:
            return None
        return PackCheckpoint(epochs=int.from_bytes(body[:_EPOCHS_BYTES], "big"), content=body[_EPOCHS_BYTES:])

    def remove(self, pack_id: str) -> None:
        """Remove the checkpoint of a pack, if it has one. Raises StorageError."""
        if pack_id in self._ids:
            name = checkpoint_name(pack_id)
            with reported("a checkpoint cannot be removed", self._store.where(name)):
                # What comes back after a power cut, the next submit removes.
                self._store.delete([name], lasting=False)
            self._ids.discard(pack_id)

    def keep_only(self, pack_ids: AbstractSet[str]) -> None:
        """Remove the checkpoints of other packs. Raises StorageError."""
        for pack_id in self._ids - pack_ids:
            self.remove(pack_id)

    def _stored_ids(self) -> Iterator[str]:
        try:
            names = self._store.list(CHECKPOINTS)
        except StorageError:  # (an OSError too)
            raise
        except OSError:
            return
        ending = checkpoint_name("").rpartition("/")[2]
        yield from (name.removesuffix(ending) for name in names if name.endswith(ending))
