"""seqjobs results: print the leaderboard."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import output_option, run_argument, runs_dir_option
from seqjobs.cli.views.json_output import leaderboard_json, print_json
from seqjobs.cli.views.leaderboards import names_of, print_csv, print_markdown, sorted_board, top_of
from seqjobs.cli.views.runs import print_boards, print_failures
from seqjobs.cli.views.tables import results_console
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run
from seqjobs.store.runs_folder import RunsFolder

TOP_OF_TABLE = 20


@click.command("results")
@run_argument
@runs_dir_option
@click.option("--top", metavar="N", type=click.IntRange(min=1), help="Print only the first N trials of each objective.")
@click.option(
    "--sort",
    metavar="COLUMN",
    default="rank",
    show_default=True,
    help="Sort by a column, a metric or a hyperparameter. -COLUMN puts the largest value first, as in --sort=-seconds.",
)
@output_option("table", "csv", "markdown", "json")
def command(run: str | None, runs_dir: Path, top: int | None, sort: str, output: str) -> None:
    """Print the leaderboard of a run."""
    found = Run.open(find_run(RunsFolder(runs_dir), run))
    if not found.records:
        click.echo(f"no trial of run {found.id} has finished yet.", err=True)
    names = names_of(found)
    boards = tuple(sorted_board(board, sort, names) for board in found.leaderboards)
    if output == "table":
        console = results_console()
        print_boards(console, found, boards, TOP_OF_TABLE if top is None else top)
        print_failures(console, found)
    elif output == "markdown":
        print_markdown(boards, names, top)
    elif output == "csv":
        print_csv(tuple(top_of(board, top) for board in boards))
    else:
        print_json(leaderboard_json(found, [top_of(board, top) for board in boards]))
