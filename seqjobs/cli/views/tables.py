"""Table: columns of texts, drawn by rich on a terminal or written as Markdown."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import rich.table
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

# A table that goes to a file or a pipe is not cut to the width of a terminal.
NO_LIMIT = 10_000
GAP = 2  # between two columns: one of padding, one where the box would have a line
LEAST_WIDTH = 12


@final
class _ResultsConsole(Console):
    """A console that raises BrokenPipeError when stdout is closed: rich itself would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def results_console() -> Console:
    """Return a console for stdout, as wide as the terminal or as COLUMNS says, without colors if it is no terminal."""
    limited = sys.stdout.isatty() or "COLUMNS" in os.environ
    return _ResultsConsole(
        file=sys.stdout, width=None if limited else NO_LIMIT, highlight=False, markup=False, emoji=False
    )


def print_line(console: Console, text: str | Text, style: str = "") -> None:
    """Print a line that rich never breaks, so that a command or a path in it can be copied."""
    console.print(Text(text, style=style) if isinstance(text, str) else text, soft_wrap=True)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A title and one text per row."""

    title: str
    cells: tuple[str, ...]
    right: bool = False
    """Align to the right, as numbers are."""
    optional: bool = False
    """Leave the column out if the terminal is too narrow."""
    whole: bool = False
    """Never cut a text of this column."""
    style: str = ""
    least_width: int = 0
    limit: int | None = None

    @property
    def width(self) -> int:
        if self.limit is not None:
            return self.limit
        return max(self.least_width, *map(cell_len, (self.title, *self.cells)))


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns with equally many cells; as a rich renderable, it fits the console's width."""

    columns: tuple[Column, ...]
    title_style: str = "bold"
    has_rule: bool = True
    """Draw a line below the titles."""

    @property
    def width(self) -> int:
        """Cells from the first character to the last."""
        widths = [column.width + GAP for column in self.columns]
        return sum(widths) - GAP if widths else 0

    @property
    def num_rows(self) -> int:
        return len(self.columns[0].cells) if self.columns else 0

    def fitted(self, width: int) -> Table:
        """Return the table without the last optional columns, then with the longest texts cut; numbers stay whole."""
        columns = list(self.columns)
        for column in reversed(self.columns):
            if column.optional and _excess(columns, width) > 0:
                columns.remove(column)
        texts = [column for column in columns if not (column.right or column.whole) and column.width > LEAST_WIDTH]
        for column in sorted(texts, key=lambda column: column.width, reverse=True):
            excess = _excess(columns, width)
            if excess > 0:
                limit = max(column.width - excess, LEAST_WIDTH)
                columns[columns.index(column)] = replace(column, limit=limit)
        return replace(self, columns=tuple(columns))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self.fitted(options.max_width)
        # Wider than the terminal only if texts that must stay whole need it: then the terminal breaks the line.
        yield from console.render(
            table._drawn(options.ascii_only), options.update(width=table._room(options.max_width))
        )

    def _room(self, width: int) -> int:
        return max(width, self.width) if any(column.whole for column in self.columns) else width

    def _drawn(self, ascii_only: bool) -> rich.table.Table:
        table = rich.table.Table(
            box=box.SIMPLE_HEAD if self.has_rule else None,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1 if self.has_rule else GAP, 0, 0),
            header_style=self.title_style,
        )
        for column in self.columns:
            table.add_column(
                Text(column.title),
                justify="right" if column.right else "left",
                style=column.style,
                width=column.width,
                no_wrap=True,
                overflow="crop" if ascii_only else "ellipsis",
            )
        for row in range(self.num_rows):
            table.add_row(*(Text(column.cells[row]) for column in self.columns))
        return table

    def markdown(self) -> str:
        """Return the table as GitHub's Markdown."""
        lines = [_markdown_row([column.title for column in self.columns])]
        lines.append(_markdown_row(["---:" if column.right else "---" for column in self.columns]))
        for row in range(self.num_rows):
            lines.append(_markdown_row([_markdown_cell(column.cells[row]) for column in self.columns]))
        return "\n".join(lines)


def print_table(console: Console, table: Table) -> None:
    """Print a table; a line that must stay whole may be longer than the terminal is wide."""
    console.print(table, crop=False)


def _excess(columns: Sequence[Column], width: int) -> int:
    return Table(columns=tuple(columns)).width - width


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _markdown_cell(text: str) -> str:
    """Escape what Markdown would read as its own, HTML's angle brackets included."""
    for character in "\\|`*_[]<":
        text = text.replace(character, "\\" + character)
    return text
