"""find_files: the paths of a spec -> the files that hold its rows, in the order in which they are read."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import nearest

# Here and not next to the readers, so that `seqjobs validate` finds files without importing pyarrow.
SUFFIXES: Final = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".feather": "feather",
    ".arrow": "feather",
    ".ipc": "feather",
    ".orc": "orc",
    ".jsonl": "json-lines",
    ".ndjson": "json-lines",
}
"""The ending of a data file's name -> its format in `seqjobs.data.formats`."""
COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
"""The second ending of a compressed text file -> Arrow's name of the compression."""
TEXT_FORMATS: Final = frozenset({"csv", "json-lines"})

REMOTE_SCHEMES: Final = ("s3", "gs", "abfs", "abfss", "hdfs")
"""The schemes of paths that are not local and that the data stage can read."""

WITH_BUCKETS: Final = frozenset({"s3", "gs"})
"""The schemes whose paths begin with the name of a bucket."""

_MAGIC_CHARACTERS = frozenset("*?[")


def find_files(paths: tuple[str, ...], folder: Path) -> tuple[Path, ...]:
    """Return the data files of `paths`, which are files, folders or globs relative to `folder`.

    `paths` keep their order; the files of one folder or glob are sorted by path. In a folder, at any depth, only data
    files count, and names that begin with `.` or `_` are skipped. Raises DataError: E401 if nothing is found or a file
    comes twice, E415 for a file of another format.
    """
    return tuple(path for files in find_files_of_each(paths, folder).values() for path in files)


def find_files_of_each(paths: tuple[str, ...], folder: Path) -> dict[str, list[Path]]:
    """Return path -> its files, as `find_files` does."""
    found: dict[Path, Path] = {}
    by_path: dict[str, list[Path]] = {}
    for text in paths:
        files = _checked_files_of(text, folder)
        for path in files:
            # A file may be reached by two paths, but its rows must not silently count twice.
            if found.setdefault(_identity(path), path) is not path:
                raise _not_found(path, folder, "this file is named twice", "name it once.")
        by_path[text] = files
    return by_path


def scheme_of(path: str) -> str | None:
    """Return `s3` for `s3://bucket/rows.parquet`, and None for a local path."""
    found = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*)://", path)
    return found[1].lower() if found else None


def format_name(name: str) -> str:
    """Return the format of a data file, by the ending of its name. Raises DataError (E415)."""
    found = _format_of(name)
    if found is None:
        ending = "".join(endings(name))
        told = f"'{ending}' files cannot be read" if ending else "a file without an ending cannot be read"
        raise DataError(
            "E415",
            f"Parquet, CSV, Feather (Arrow IPC), ORC and JSON lines can be read; {told}",
            where=printable(name),
            fix=f"store the rows as Parquet, in a file whose name ends with {' or '.join(list(SUFFIXES)[:3])}.",
        )
    return found


def endings(name: str) -> tuple[str, str]:
    """Return the endings of format and compression: `.csv`, `.gz` for `rows.csv.gz`; `.csv`, "" for `rows.CSV`."""
    stem, last = os.path.splitext(name.lower())  # noqa: PTH122 (a name may be that of an object in a store)
    return (os.path.splitext(stem)[1], last) if last in COMPRESSIONS else (last, "")  # noqa: PTH122


def is_data(name: str) -> bool:
    """Whether a name is that of a data file."""
    return _format_of(name) is not None


def _format_of(name: str) -> str | None:
    ending, compression = endings(name)
    found = SUFFIXES.get(ending)
    return found if not compression or found in TEXT_FORMATS else None


def _checked_files_of(text: str, folder: Path) -> list[Path]:
    try:
        return _files_of(text, folder)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "strerror", None) or str(error)  # a name too long, no permission, a NUL inside
        raise _not_found(folder / text, folder, f"this path cannot be used: {reason}", "correct the path.") from error


def _files_of(text: str, folder: Path) -> list[Path]:
    path = folder / text
    if path.is_file():
        format_name(str(path))
        return [path]
    if path.is_dir():
        return _files_in(path, folder)
    if path.exists():
        raise _not_found(path, folder, "this is neither a file nor a folder", "name a data file.")
    if _MAGIC_CHARACTERS.isdisjoint(text):
        raise _nothing_at(path, folder, text)
    return _files_like(text, folder)


def _files_in(path: Path, folder: Path) -> list[Path]:
    files = _sorted(file for file in _walk(path, folder) if is_data(file.name))
    if not files:
        raise _not_found(path, folder, "this folder holds no data file", "name a folder with data files.")
    return files


def _walk(path: Path, folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        where = Path(error.filename or path)
        raise _not_found(where, folder, f"this folder cannot be read: {error.strerror}", "make it readable.")

    # Links to folders are not followed: a link that leads back up would never end.
    for parent, folders, names in os.walk(path, onerror=fail):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        yield from (Path(parent, name) for name in names if not _is_hidden(name) and Path(parent, name).is_file())


def _files_like(pattern: str, folder: Path) -> list[Path]:
    matches = _matches(Path(pattern).parts, folder)
    matches = [match for match in matches if not _is_hidden(match.name) or _is_hidden(Path(pattern).name)]
    files: list[Path] = []
    for match in matches:
        if match.is_file():
            format_name(str(match))
            files.append(match)
        elif is_data(match.name) and match.is_dir():  # Spark writes `name.parquet/part-0.parquet`
            files += _files_in(match, folder)
    if not files:
        what = "this pattern matches only folders" if matches else "this pattern matches no file"
        fix = f"end it with {'/*.parquet' if matches else '*.parquet'}, or correct the path."
        raise _not_found(folder / pattern, folder, what, fix, pattern)
    return _sorted({_identity(file): file for file in sorted(files, reverse=True)}.values())


def _matches(parts: Sequence[str], folder: Path) -> list[Path]:
    """Return what a pattern matches.

    `**` goes through folders, but not through links to folders: two links that lead back up double the paths at every
    level, and `glob` follows them all.
    """
    stars = parts.index("**") if "**" in parts else len(parts)
    begin = str(Path(*parts[:stars]))
    found = [folder / match for match in glob.glob(begin, root_dir=folder)]  # noqa: PTH207
    if stars == len(parts):
        return found
    rest = parts[stars + 1 :] or ("*",)
    return [match for start in found if start.is_dir() for below in _folders(start) for match in _matches(rest, below)]


def _folders(path: Path) -> Iterator[Path]:
    """Yield the folder and all folders in it, except hidden ones, which `glob` does not enter either."""
    for parent, folders, _ in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield Path(parent)


def _sorted(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda file: file.as_posix())


def _identity(path: Path) -> Path:
    """Return a path that is equal for two paths of one place.

    A link to a file counts as a file of its own: equal shards may share one file.
    """
    return path.parent.resolve() / path.name


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _not_found(path: Path, folder: Path, what: str, fix: str, text: str | None = None) -> DataError:
    relative = "" if text is not None and Path(text).is_absolute() else f" (looked in {printable(str(folder))})"
    return DataError("E401", what + relative, where=printable(shown_path(path, folder)), fix=fix)


def _nothing_at(path: Path, folder: Path, text: str) -> DataError:
    """Return the error for a path where nothing is, with the absolute path, and the nearest name that is there."""
    where = printable(shown_path(path, folder))
    if path.is_symlink():
        return DataError("E401", "this link is broken", where=where, fix="correct the link.")
    what, fix = describe_missing(path, text, is_data)
    return DataError("E401", what, where=where, fix=fix)


def describe_missing(path: Path, text: str, is_wanted: Callable[[str], bool]) -> tuple[str, str]:
    """Return what is wrong with a path where nothing is, and how to fix it.

    Args:
        path: The path, relative to the current folder.
        text: The path as written.
        is_wanted: Whether a file of this name may be meant.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` follows links
    parent = next(above for above in absolute.parents if above.is_dir())
    what = f"there is no file or folder '{printable(text)}'"
    if str(absolute) != text:
        what += f", which is {printable(str(absolute))}"
    missing = absolute.relative_to(parent).parts
    if len(missing) > 1:
        what += f"; the folder {printable(str(parent))} has no '{printable(missing[0])}'"
    near = _nearest_in(parent, missing[0], is_wanted)
    fix = "correct the path." if near is None else f"did you mean '{printable(_with_part(text, missing, near))}'?"
    return what, fix


def _nearest_in(folder: Path, name: str, is_wanted: Callable[[str], bool]) -> str | None:
    try:
        names = [entry.name for entry in folder.iterdir() if entry.is_dir() or is_wanted(entry.name)]
    except OSError:
        return None
    return nearest(name, names)


def _with_part(text: str, missing: Sequence[str], near: str) -> str:
    """Return the path as written, with another name in the place of the first one that is missing."""
    parts = list(Path(text).parts)
    place = len(parts) - len(missing)
    return str(Path(*parts[:place], near, *parts[place + 1 :])) if place >= 0 else near


def shown_path(path: Path, folder: Path) -> str:
    """Return the path as a spec would write it: relative to the spec's folder if it is in there."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
