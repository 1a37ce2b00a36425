"""print_facts: a run on one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from seqjobs.cli.views.leaderboard_sheet import names_of, title_of
from seqjobs.cli.views.numbers import counted, shown_bytes, shown_duration, shown_metric, shown_value
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
    yield from _workings(run)
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


def _workings(run: Run) -> Iterator[tuple[str, str]]:
    """How steps were carried out, what died and which workers had to be replaced; nothing of what is not known."""
    compiled = Counter(record.compiled for record in run.records.values() if record.compiled)
    if compiled:
        yield "compiled", ", ".join(f"{printable(name)} {counted(count, 'trial')}" for name, count in compiled.items())
    if run.compilations.programs:
        programs = counted(run.compilations.programs, "program")
        yield "programs", f"{programs} compiled by the workers, {shown_duration(run.compilations.seconds)} in all"
    if run.lost_attempts:
        causes = Counter(lost.failure.cause for lost in run.lost_attempts)
        told = ", ".join(f"{cause} {count:,}" for cause, count in causes.items())
        last = run.lost_attempts[-1]
        what = f"{counted(len(run.lost_attempts), 'attempt')} died ({told})"
        yield "lost", f"{what}; the last, of pack {printable(last.pack)}: {printable(last.failure.message)}"
    if run.replaced_workers:
        worker = run.replaced_workers[-1]
        held, budget = shown_bytes(worker.private_bytes), shown_bytes(worker.budget)
        what = f"{counted(len(run.replaced_workers), 'worker')} held more memory than allowed and gave way to another"
        yield "replaced", f"{what}; the last, {printable(worker.worker)}, {held} of {budget}"
