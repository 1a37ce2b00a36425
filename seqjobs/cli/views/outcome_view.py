"""print_outcome, leave_as: how a submit ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from seqjobs.cli.exits import ExitCode, Leave
from seqjobs.cli.views.console import results_console
from seqjobs.cli.views.json_output import print_json, run_json
from seqjobs.cli.views.run_view import print_boards, print_failures, print_next_steps, print_whereabouts
from seqjobs.results.run import Run

TOP = 10


def print_outcome(run: Run, output: str) -> None:
    """The leaderboards' tops, the failures, where the run lies, what to do next; or all of it as one JSON object."""
    if output == "json":
        print_json(run_json(run))
        return
    console = results_console()
    boards = tuple(
        replace(board, entries=tuple(entry for entry in board.entries if entry.rank is not None))
        for board in run.leaderboards
    )
    print_boards(console, run, boards, TOP)
    print_failures(console, run)
    print_whereabouts(console, run)
    print_next_steps(console, run)


def leave_as(run: Run, advice: Callable[[], str]) -> None:
    """Raises Leave unless every trial finished."""
    left = run.num_total - run.num_finished - run.num_failed
    if left:
        raise Leave(ExitCode.OUT_OF_TIME, f"limits.run_time is over, {left:,} of {run.num_total:,} left: {advice()}")
    if run.num_failed:
        raise Leave(ExitCode.SOME_FAILED if run.num_finished else ExitCode.NONE_SUCCEEDED)
