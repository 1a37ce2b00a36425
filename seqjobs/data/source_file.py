"""SourceFile: a data file, on this machine or in a store."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from seqjobs.data.store_proxy import StoreProxy
from seqjobs.errors.printable import printable
from seqjobs.jobspec.data_files import COMPRESSIONS, endings


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file by its path, on this machine or in a store."""

    path: Path | PurePosixPath
    name: str
    """How errors name it."""
    store: Any = None
    """A pyarrow.fs.FileSystem, or None for the file system of this machine."""
    proxy: StoreProxy | None = None
    """What the client of the store reaches it through, if it has a proxy."""

    @property
    def where(self) -> str:
        return printable(self.name)

    @property
    def suffix(self) -> str:
        """The ending of the name that decides the format."""
        return endings(self.path.name)[0]

    @property
    def is_remote(self) -> bool:
        return self.store is not None

    def open(self) -> Any:
        """Open the file for random access. Raises OSError."""
        if self.store is not None:
            return self.store.open_input_file(str(self.path))
        if Path(self.path).is_dir():  # can be opened, and fails later with a worse message
            raise IsADirectoryError(errno.EISDIR, "Is a directory", str(self.path))
        return pa.OSFile(str(self.path))

    def open_stream(self) -> Any:
        """Open the file for reading from beginning to end, decompressed. Raises OSError."""
        compression = endings(self.path.name)[1]
        return pa.CompressedInputStream(self.open(), COMPRESSIONS[compression]) if compression else self.open()
