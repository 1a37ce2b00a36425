"""What a person is shown of a run: its leaderboards, what failed, where it lies, what to do next."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from rich.console import Console
from rich.text import Text

from seqjobs.cli.views.leaderboard_sheet import leaderboard_sheet, names_of, title_of
from seqjobs.cli.views.numbers import counted, shown_duration
from seqjobs.cli.views.printable import printable
from seqjobs.results.leaderboard import Leaderboard
from seqjobs.results.run import Run

MAX_FAILURES = 5


def print_boards(console: Console, run: Run, boards: tuple[Leaderboard, ...], top: int | None) -> None:
    """Each leaderboard under its objective, and how much of it is not shown."""
    names = names_of(run)
    for board in boards:
        if not board.entries:
            continue
        sheet = leaderboard_sheet(board, names, top)
        fitted = sheet.fitted(console.width)
        console.print(Text(title_of(board), style="bold"))
        console.print(fitted.table())
        _print_hidden(console, len(board.entries) - sheet.num_rows, len(sheet.columns) - len(fitted.columns), run)
        console.print()


def _print_hidden(console: Console, rows: int, columns: int, run: Run) -> None:
    hidden = [counted(rows, "more trial")] if rows > 0 else []
    hidden += [counted(columns, "more column")] if columns > 0 else []
    if hidden:
        _line(console, f"and {' and '.join(hidden)}: seqjobs results {run.id} -o csv{runs_dir_argument(run)}", "dim")


def print_failures(console: Console, run: Run) -> None:
    """The failed trials, each with its cause, and how to see more."""
    failed = [entry for board in run.leaderboards for entry in board.entries if entry.rank is None]
    if not failed:
        return
    _line(console, f"{counted(len(failed), 'trial')} failed", "bold red")
    for entry in failed[:MAX_FAILURES]:
        _line(console, f"  {entry.trial}  {printable(entry.job)}  {printable(entry.failure)}")
    if len(failed) > MAX_FAILURES:
        _line(console, f"  and {len(failed) - MAX_FAILURES:,} more", "dim")
    _line(console, f"  seqjobs logs {run.id} --trial {failed[0].trial}{runs_dir_argument(run)}", "dim")
    console.print()


def print_whereabouts(console: Console, run: Run) -> None:
    """How the run ended and where it lies."""
    left = run.num_total - run.num_finished - run.num_failed
    counts = f"{run.num_finished:,} finished, {run.num_failed:,} failed" + (f", {left:,} left" if left else "")
    _line(console, f"run {run.id}: {counts}, worked {shown_duration(run.seconds)}, in {printable(run.path)}")
    if run.compilations.programs:
        programs = counted(run.compilations.programs, "program")
        _line(
            console, f"  {programs} compiled in {shown_duration(run.compilations.seconds)} of the workers' time", "dim"
        )


def print_next_steps(console: Console, run: Run) -> None:
    """The commands that a person wants next; none where nothing succeeded."""
    if run.best is None:
        return
    where = runs_dir_argument(run)
    _line(console, f"  seqjobs results {run.id}{where}")
    _line(console, f"  seqjobs export {run.id} --out best.keras{where}")
    if run.paths.best.exists():
        _line(console, f'  keras.models.load_model("{printable(run.paths.best)}")')


def runs_dir_argument(run: Run) -> str:
    """What must stand behind a command to find the run; nothing where it lies where commands look by themselves."""
    folder = run.path.parent
    usual = Path(os.environ.get("SEQJOBS_RUNS_DIR", "runs"))
    return "" if folder.absolute() == usual.absolute() else f" --runs-dir {shlex.quote(printable(folder))}"


def _line(console: Console, text: str, style: str = "") -> None:
    """A line that is never broken, so that what it holds can be copied."""
    console.print(Text(text, style=style), soft_wrap=True)
