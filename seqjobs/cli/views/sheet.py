"""Sheet: a table of texts, and how it is drawn on a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

GAP = 2  # between two columns: one of padding, one where the box would have a line
LEAST_WIDTH = 12


@dataclass(frozen=True, kw_only=True)
class Column:
    """A title and a text for each row; what is `optional` is left out where there is no room."""

    title: str
    cells: tuple[str, ...]
    right: bool = False
    optional: bool = False
    style: str = ""
    limit: int | None = None

    @property
    def width(self) -> int:
        return self.limit if self.limit is not None else max(map(cell_len, (self.title, *self.cells)))


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Columns of equally many cells."""

    columns: tuple[Column, ...]

    @property
    def num_rows(self) -> int:
        return len(self.columns[0].cells) if self.columns else 0

    def fitted(self, width: int) -> Sheet:
        """Made to fit: without the last optional columns, then with the longest texts cut; numbers stay whole."""
        columns = list(self.columns)
        for column in reversed(self.columns):
            if column.optional and _excess(columns, width) > 0:
                columns.remove(column)
        texts = [column for column in columns if not column.right and column.width > LEAST_WIDTH]
        for column in sorted(texts, key=lambda column: column.width, reverse=True):
            excess = _excess(columns, width)
            if excess > 0:
                limit = max(column.width - excess, LEAST_WIDTH)
                columns[columns.index(column)] = replace(column, limit=limit)
        return Sheet(columns=tuple(columns))

    def table(self) -> Table:
        """For a terminal: no frame, a line under the titles; a text too long for its column is cut."""
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        for column in self.columns:
            table.add_column(
                Text(column.title),
                justify="right" if column.right else "left",
                style=column.style,
                width=column.width,
                no_wrap=True,
                overflow="ellipsis",
            )
        for row in range(self.num_rows):
            table.add_row(*(Text(column.cells[row]) for column in self.columns))
        return table

    def markdown(self) -> str:
        """A GitHub table."""
        lines = [_markdown_row([column.title for column in self.columns])]
        lines.append(_markdown_row(["---:" if column.right else "---" for column in self.columns]))
        for row in range(self.num_rows):
            lines.append(_markdown_row([_markdown_cell(column.cells[row]) for column in self.columns]))
        return "\n".join(lines)


def _excess(columns: Sequence[Column], width: int) -> int:
    return sum(column.width + GAP for column in columns) - GAP - width


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _markdown_cell(text: str) -> str:
    """What Markdown would read as its own is escaped, also HTML's angle brackets."""
    for character in "\\|`*_[]<":
        text = text.replace(character, "\\" + character)
    return text
