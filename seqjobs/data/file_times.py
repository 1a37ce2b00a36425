"""file_times: a digest that shows, without reading them, whether a dataset's files may have changed."""

from __future__ import annotations

import hashlib
import json

from seqjobs.data.data_source import DataSource
from seqjobs.errors import DataError
from seqjobs.jobspec.data_files import find_files, scheme_of, shown_path


def file_times(source: DataSource) -> str | None:
    """Return the SHA-256 of the names, sizes and times of the files; None if some are not found.

    Names are relative to the folder of the spec. Files that moved with it keep their digest; copies may have another.
    No store is contacted: a path in a store counts by its text.
    """
    found: list[list[object]] = []
    try:
        for paths in (source.spec.train, source.spec.validation or ()):
            files = find_files(tuple(path for path in paths if scheme_of(path) is None), source.folder)
            states = [(shown_path(path, source.folder), path.stat()) for path in files]
            found.append([path for path in paths if scheme_of(path) is not None])
            found.append([(name, state.st_size, state.st_mtime_ns) for name, state in states])
    except (DataError, OSError):
        return None
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
