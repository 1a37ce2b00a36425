"""arrow_errors: turn Arrow's errors into DataErrors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from seqjobs.data.source_file import SourceFile
from seqjobs.data.store_errors import unreachable
from seqjobs.errors import DataError
from seqjobs.errors.out_of_memory import describe_address_limit
from seqjobs.errors.printable import printable

MESSAGE_LENGTH = 200

# Words of the errors of object stores.
_OF_STORES = re.compile(r"AWS Error|google::cloud|GCS|Azure|HDFS|curl|HTTP|[Nn]etwork|[Tt]imed? ?out")

Told = Callable[[SourceFile, str], DataError | None]
"""Returns the error for a message of Arrow that a format knows, or None."""


@contextmanager
def arrow_errors(
    source: SourceFile, format_name: str, told: Told = lambda _, __: None, part: str = ""
) -> Iterator[None]:
    """Within it, errors of Arrow become DataErrors. `part` names the part of the file that is read.

    Arrow's errors differ only in their messages.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        what = f"the file cannot be opened: {error.strerror or first_line(error)}"
        raise DataError("E401", what, where=source.where, fix="make it readable.") from error
    except (pa.ArrowMemoryError, MemoryError) as error:
        limit = describe_address_limit()
        what = f"more memory is needed to decode the file than is free: {_message(error, part)}{limit}"
        fix = "check where the file comes from, or write it again in smaller row groups or batches."
        fix = f"raise the limit, or {fix}" if limit else fix
        raise DataError("E413", what, where=source.where, fix=fix) from error
    except pa.ArrowNotImplementedError as error:
        raise undecodable(source, _message(error, part)) from error
    except (pa.ArrowException, OSError, UnicodeError) as error:
        message = _message(error, part)
        if source.is_remote and _OF_STORES.search(message):
            raise unreachable(source.name, str(error), source.proxy) from error
        raise told(source, message) or damaged(source, format_name, message) from error


def undecodable(source: SourceFile, message: str) -> DataError:
    what = f"this version of Arrow cannot decode the file: {message}"
    fix = "write it again with plain numeric columns and zstd or snappy compression."
    return DataError("E414", what, where=source.where, fix=fix)


def damaged(source: SourceFile, format_name: str, message: str) -> DataError:
    what = f"this is not a complete {format_name} file: {message}"
    return DataError("E411", what, where=source.where, fix="copy or write the file again.")


def too_large(source: SourceFile, message: str) -> DataError:
    what = f"the file would need too much memory: {message}"
    return DataError("E413", what, where=source.where, fix="check where the file comes from.")


def _message(error: BaseException, part: str) -> str:
    return f"{first_line(error)} (in {part})" if part else first_line(error)


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return printable(lines[0]).rstrip(".")[:MESSAGE_LENGTH]
