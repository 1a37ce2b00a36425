"""SplitFiles: the files of a dataset's splits while they are written."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Any, Self, final

from seqjobs.data.dataset import Split
from seqjobs.data.streamed.scratch import RowWriter
from seqjobs.data.streamed.window import Window


@final
class SplitFiles:
    """Of streamed data, a file a split; without a window there are none. Leaving it removes those without a name."""

    def __init__(self, window: Window | None) -> None:
        self._window = window
        self._writers: dict[str, RowWriter] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def of(self, split: str) -> RowWriter | None:
        """A new file for the features of a split."""
        if self._window is None:
            return None
        return self._writers.setdefault(split, RowWriter(self._window))

    def named(self, split: str, rows: Split, fingerprint: str) -> Split:
        """The split, whose file has the name under which others find it."""
        if self._window is None:
            return rows
        features: Any = rows.features
        return replace(rows, features=replace(features, path=self._writers[split].name(fingerprint, split)))
