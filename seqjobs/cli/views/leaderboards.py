"""Leaderboards as a table, CSV and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import click

from seqjobs.cli.views.console import results_console
from seqjobs.cli.views.leaderboard_sheet import leaderboard_sheet, title_of
from seqjobs.cli.views.printable import printable_block
from seqjobs.cli.views.run_view import print_boards, print_failures
from seqjobs.results.leaderboard import Leaderboard
from seqjobs.results.run import Run

TOP_OF_TABLE = 20


def print_table(run: Run, boards: tuple[Leaderboard, ...], top: int | None) -> None:
    """For a person: as many rows as one page has, unless told otherwise, and what failed."""
    console = results_console()
    print_boards(console, run, boards, TOP_OF_TABLE if top is None else top)
    print_failures(console, run)


def print_csv(boards: tuple[Leaderboard, ...]) -> None:
    """The columns of leaderboard.csv, numbers in full; below one another where there are several objectives."""
    # Imported here: Arrow takes longer to load than any other format takes to print.
    from seqjobs.results.tables import leaderboard_csv  # noqa: PLC0415

    click.echo(printable_block(leaderboard_csv(boards)), nl=False)


def print_markdown(boards: Iterable[Leaderboard], names: Mapping[str, str], top: int | None) -> None:
    """A GitHub table for each objective."""
    for board in boards:
        if board.entries:
            click.echo(f"### {title_of(board)}\n\n{leaderboard_sheet(board, names, top).markdown()}\n")
