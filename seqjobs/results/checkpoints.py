"""Checkpoints on disk: how far the packs have come that are still trained."""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import final

from seqjobs.planning.run_paths import RunPaths
from seqjobs.storage import durable
from seqjobs.storage.plain_file import read_plain
from seqjobs.training.outcome import PackCheckpoint

_MAGIC = b"seqjobs checkpoint 2\n"
_DIGEST_BYTES = hashlib.sha256().digest_size
_EPOCHS_BYTES = 8


@final
class CheckpointStore:
    """The `checkpoints` folder of a run; the last one of each pack, with the SHA-256 of it and of its epochs before it.

    Nothing of a result depends on them: a pack without one, or whose own is damaged or of another version, begins anew.
    """

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        # Thousands of packs never have one: they are not looked for one by one.
        self._ids = {path.stem for path in self._files()}

    def save(self, pack_id: str, checkpoint: PackCheckpoint) -> None:
        """Makes it durable, in place of the one before. Raises StorageError."""
        path = self._paths.checkpoint(pack_id)
        body = checkpoint.epochs.to_bytes(_EPOCHS_BYTES, "big") + checkpoint.content
        with durable.reported("a checkpoint cannot be written", path):
            durable.make_folder(path.parent)
            durable.replace(path, _MAGIC + hashlib.sha256(body).digest() + body)
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
            stored = read_plain(self._paths.checkpoint(pack_id))
        except (OSError, MemoryError):
            return None
        sealed = stored.removeprefix(_MAGIC)
        digest, body = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
        if sealed is stored or hashlib.sha256(body).digest() != digest:
            return None
        return PackCheckpoint(epochs=int.from_bytes(body[:_EPOCHS_BYTES], "big"), content=body[_EPOCHS_BYTES:])

    def remove(self, pack_id: str) -> None:
        """Removes a pack's, where it has one. Raises StorageError."""
        if pack_id in self._ids:
            path = self._paths.checkpoint(pack_id)
            with durable.reported("a checkpoint cannot be removed", path):
                path.unlink(missing_ok=True)
            self._ids.discard(pack_id)

    def keep_only(self, pack_ids: AbstractSet[str]) -> None:
        """Removes those of other packs, and what killed writers left behind. Raises StorageError."""
        for pack_id in self._ids - pack_ids:
            self.remove(pack_id)
        folder = self._paths.checkpoints
        with durable.reported("files of a killed submit cannot be removed", folder):
            durable.remove_asides(folder)

    def _files(self) -> list[Path]:
        return list(self._paths.checkpoints.glob(f"*{self._paths.checkpoint('').suffix}"))
