"""print_facts: a run on one page."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from seqjobs.cli.views.leaderboard_sheet import names_of, title_of
from seqjobs.cli.views.numbers import shown_duration, shown_metric, shown_value
from seqjobs.cli.views.printable import printable
from seqjobs.results.run import Run


def print_facts(console: Console, run: Run) -> None:
    """A line for each fact, its name before it."""
    for name, value in _facts(run):
        console.print(Text.assemble((f"{name:<12}", "dim"), value), soft_wrap=True)


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    left = run.num_total - run.num_finished - run.num_failed
    yield "run", run.id
    yield "status", str(run.status)
    yield "created", f"{run.created}, worked {shown_duration(run.seconds)}"
    yield "trials", f"{run.num_total:,}: {run.num_finished:,} finished, {run.num_failed:,} failed, {left:,} left"
    for job in run.jobs:
        objective = f"{job.objective.direction} {job.objective.metric}"
        yield "job", f"{printable(job.name)}  {printable(objective)}  {printable(job.path)}"
    yield from _bests(run)
    yield "versions", printable(", ".join(f"{name} {version}" for name, version in run.versions.items()))
    paths = (run.path, run.paths.leaderboard, run.paths.trials, run.paths.histories, run.paths.best)
    for path in paths:
        if path.exists():
            yield "where", printable(path)


def _bests(run: Run) -> Iterator[tuple[str, str]]:
    names = names_of(run)
    for board in run.leaderboards:
        best = board.best
        if best is None:
            continue
        pairs = (f"{printable(names[key])}={shown_value(value)}" for key, value in best.hyperparameters.items())
        yield (
            "best",
            f"{title_of(board)} {shown_metric(best.value)}  {best.trial}  {best.job}  {' '.join(pairs)}".rstrip(),
        )
