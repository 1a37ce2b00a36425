"""Runs as people read them: a list, one on a page, how a submit ended, what failed and what to do next."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import rich.table
from rich.console import Console
from rich.text import Text

from seqjobs.cli.exits import ExitCode, Leave
from seqjobs.cli.views.formatting import counted, shown_duration, shown_metric, shown_value
from seqjobs.cli.views.json_output import print_json, run_json
from seqjobs.cli.views.leaderboards import leaderboard_table, names_of, title_of
from seqjobs.cli.views.tables import Column, Table, print_line, print_table, results_console
from seqjobs.errors import SeqjobsError
from seqjobs.errors.printable import printable
from seqjobs.errors.sizes import shown_bytes
from seqjobs.jobspec.spec_file import STDIN
from seqjobs.results.leaderboard import Leaderboard
from seqjobs.results.manifest import StoredJob
from seqjobs.results.run import Run, RunStatus
from seqjobs.results.run_names import BEST, TABLES
from seqjobs.store.run_store import RunStore

MAX_FAILURES = 5
NAME_WIDTH = 12
_TO_COPY = ("resume with", "retry with", "path")
TOP_OF_OUTCOME = 10


def print_outcome(run: Run, output: str) -> None:
    """Print how a submit ended: leaderboards, failures, the run's folder, the next commands; or one JSON object."""
    if output == "json":
        print_json(run_json(run))
        return
    console = results_console()
    boards = tuple(
        replace(board, entries=tuple(entry for entry in board.entries if entry.rank is not None))
        for board in run.leaderboards
    )
    print_boards(console, run, boards, TOP_OF_OUTCOME)
    print_failures(console, run)
    _print_summary(console, run)
    _print_next_steps(console, run)


def leave_as(run: Run, advice: Callable[[], str]) -> None:
    """Raise Leave with the exit code of the run unless every trial finished."""
    left = run.num_total - run.num_finished - run.num_failed
    if left:
        what = f"limits.run_time is over, and {left:,} of {counted(run.num_total, 'trial')} are left"
        raise Leave(ExitCode.OUT_OF_TIME, f"{what}: {advice()}")
    if run.num_failed:
        raise Leave(ExitCode.SOME_FAILED if run.num_finished else ExitCode.NONE_SUCCEEDED)


def print_boards(console: Console, run: Run, boards: tuple[Leaderboard, ...], top: int | None) -> None:
    """Print each leaderboard below its objective, and how much of it is not shown."""
    names = names_of(run)
    for board in boards:
        if not board.entries:
            continue
        table = leaderboard_table(board, names, top)
        fitted = table.fitted(console.width)
        console.print(Text(title_of(board), style="bold"))
        print_table(console, fitted)
        _print_hidden(console, len(board.entries) - table.num_rows, len(table.columns) - len(fitted.columns), run)
        console.print()


def _print_hidden(console: Console, rows: int, columns: int, run: Run) -> None:
    hidden = [counted(rows, "more trial")] if rows > 0 else []
    hidden += [counted(columns, "more column")] if columns > 0 else []
    if hidden:
        text = f"and {' and '.join(hidden)}: seqjobs results {run.id} -o csv{runs_dir_argument(run)}"
        print_line(console, text, "dim")


def print_failures(console: Console, run: Run) -> None:
    """Print the failed trials, each with its cause, and the command that shows more."""
    failed = [entry for board in run.leaderboards for entry in board.entries if entry.rank is None]
    if not failed:
        return
    print_line(console, f"{counted(len(failed), 'trial')} failed", "bold red")
    for entry in failed[:MAX_FAILURES]:
        print_line(console, f"  {entry.trial}  {printable(entry.job)}  {printable(entry.failure)}")
    if len(failed) > MAX_FAILURES:
        print_line(console, f"  and {len(failed) - MAX_FAILURES:,} more", "dim")
    print_line(console, f"  seqjobs logs {run.id} --trial {failed[0].trial}{runs_dir_argument(run)}", "dim")
    console.print()


def _print_summary(console: Console, run: Run) -> None:
    left = run.num_total - run.num_finished - run.num_failed
    counts = f"{run.num_finished:,} finished, {run.num_failed:,} failed" + (f", {left:,} left" if left else "")
    print_line(console, f"run {run.id}: {counts} in {shown_duration(run.seconds)}")
    print_line(console, f"  files in {printable(run.path)}", "dim")
    if run.compilations.programs:
        seconds = shown_duration(run.compilations.seconds)
        print_line(console, f"  compiling took {seconds} of the workers' time", "dim")


def _print_next_steps(console: Console, run: Run) -> None:
    """Print the commands that a person needs next; none if no trial succeeded."""
    if run.best is None:
        return
    where = runs_dir_argument(run)
    print_line(console, f"  seqjobs results {run.id}{where}")
    print_line(console, f"  seqjobs export {run.id} --out best.keras{where}")
    best = run.path / BEST
    if best.exists():
        print_line(console, f'  keras.models.load_model("{printable(best)}")')


def runs_dir_argument(run: Run) -> str:
    """Return the option with which a command finds the run; nothing if commands find it without one."""
    folder = run.path.parent
    usual = Path(os.environ.get("SEQJOBS_RUNS_DIR", "runs"))
    return "" if folder.absolute() == usual.absolute() else f" --runs-dir {shlex.quote(printable(folder))}"


def resume_command(run: Run) -> str:
    """Return the command that continues the run, with paths from the current folder."""
    specs = dict.fromkeys(_from_here(_spec_path(job, run)) for job in run.jobs)
    overrides = run.jobs[0].overrides if run.jobs else ()
    words = [*specs, *(word for override in overrides for word in ("-S", override)), "--run", run.id]
    return f"seqjobs submit {printable(shlex.join(words))}{runs_dir_argument(run)}"


def _spec_path(job: StoredJob, run: Run) -> Path:
    """Return where a spec was when its run began, or where it is now if it moved together with the run."""
    then = Path(job.path)
    if then.exists():
        return then
    content = job.text.encode()
    for above in run.path.absolute().parents:
        for start in range(1, len(then.parts)):
            now = above.joinpath(*then.parts[start:])
            with contextlib.suppress(OSError):
                if now.is_file() and now.stat().st_size == len(content) and now.read_bytes() == content:
                    return now
    return then


def _from_here(path: Path) -> str:
    if path.name == str(STDIN):
        return str(STDIN)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def print_facts(console: Console, run: Run) -> None:
    """Print a run on one page: each fact after its name. What is to be copied is never broken."""
    for name, value in _facts(run):
        if name in _TO_COPY:
            print_line(console, Text.assemble((f"{name:<{NAME_WIDTH}}", "dim"), value))
        else:
            line = rich.table.Table.grid(rich.table.Column(width=NAME_WIDTH, style="dim"), rich.table.Column())
            line.add_row(name, Text(value))
            console.print(line)


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    left = run.num_total - run.num_finished - run.num_failed
    yield "run", run.id
    yield "status", str(run.status)
    if run.status is RunStatus.INTERRUPTED:
        yield "resume with", resume_command(run)
    if run.status is RunStatus.FINISHED and run.num_failed:
        yield "retry with", f"{resume_command(run)} --retry-failed"
    yield "created", f"{run.created}, worked {shown_duration(run.seconds)}"
    yield "trials", f"{run.num_total:,}: {run.num_finished:,} finished, {run.num_failed:,} failed, {left:,} left"
    for job in run.jobs:
        objective = f"{job.objective.direction} {job.objective.metric}"
        yield "job", f"{printable(job.name)}  {printable(objective)}  {printable(job.path)}"
    yield from _bests(run)
    yield from _work(run)
    yield "versions", printable(", ".join(f"{name} {version}" for name, version in run.versions.items()))
    for path in (run.path, *(run.path / name for name in (*TABLES, BEST))):
        if path.exists():
            yield "path", printable(path)


def _bests(run: Run) -> Iterator[tuple[str, str]]:
    names = names_of(run)
    for board in run.leaderboards:
        best = board.best
        if best is None:
            continue
        pairs = (f"{printable(names[key])}={shown_value(value)}" for key, value in best.hyperparameters.items())
        value = f"{title_of(board)} {shown_metric(best.value)}  {best.trial}  {printable(best.job)}"
        yield "best", f"{value}  {' '.join(pairs)}".rstrip()


def _work(run: Run) -> Iterator[tuple[str, str]]:
    """How steps were carried out, which attempts died and which workers were replaced; nothing that is not known."""
    compiled = Counter(record.compiled for record in run.records.values() if record.compiled)
    if compiled:
        yield "compiled", ", ".join(f"{printable(name)} {counted(count, 'trial')}" for name, count in compiled.items())
    if run.compilations.programs:
        programs = counted(run.compilations.programs, "program")
        yield "compiling", f"{programs}, {shown_duration(run.compilations.seconds)} of the workers' time"
    if run.lost_attempts:
        causes = Counter(lost.failure.cause for lost in run.lost_attempts)
        counts = ", ".join(f"{cause} {count:,}" for cause, count in causes.items())
        last = run.lost_attempts[-1]
        died = f"{counted(len(run.lost_attempts), 'attempt')} died ({counts})"
        yield "lost", f"{died}; the last one, of pack {printable(last.pack)}: {printable(last.failure.message)}"
    if run.replaced_workers:
        worker = run.replaced_workers[-1]
        used, budget = shown_bytes(worker.private_bytes), shown_bytes(worker.budget)
        replaced = f"{counted(len(run.replaced_workers), 'worker')} used more memory than allowed and were replaced"
        yield "replaced", f"{replaced}; the last one, {printable(worker.worker)}, used {used} of {budget}"


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run, or why its folder cannot be read: one broken folder must not hide the others."""

    name: str
    run: Run | None
    problem: str = ""

    @classmethod
    def read(cls, store: RunStore) -> Self:
        try:
            return cls(name=store.name, run=Run.open(store))
        except SeqjobsError as error:
            return cls(name=store.name, run=None, problem=error.code)

    @property
    def status(self) -> str:
        return str(self.run.status) if self.run else f"unreadable ({self.problem})"

    @property
    def trials(self) -> str:
        return f"{self.run.num_finished + self.run.num_failed:,}/{self.run.num_total:,}" if self.run else ""

    @property
    def best(self) -> str:
        if self.run is None or self.run.best is None:
            return ""
        metric = self.run.leaderboards[0].objective.metric
        return f"{printable(metric)} {shown_metric(self.run.best.value)}"


def runs_table(lines: Sequence[RunLine]) -> Table:
    """Return a row for each run; the ids come first and are never cut, since commands take them."""
    runs = [line.run for line in lines]
    created = tuple(run.created[:16].replace("T", " ") if run else "" for run in runs)
    jobs = tuple(printable(", ".join(job.name for job in run.jobs)) if run else "" for run in runs)
    failed = tuple(f"{run.num_failed:,}" if run and run.num_failed else "" for run in runs)
    times = tuple(shown_duration(run.seconds) if run else "" for run in runs)
    return Table(
        columns=(
            Column(title="run", cells=tuple(printable(line.name) for line in lines), whole=True),
            Column(title="status", cells=tuple(line.status for line in lines), whole=True),
            Column(title="trials", cells=tuple(line.trials for line in lines), right=True, optional=True),
            Column(title="failed", cells=failed, right=True, optional=True),
            Column(title="best", cells=tuple(line.best for line in lines), optional=True),
            Column(title="created (UTC)", cells=created, optional=True),
            Column(title="time", cells=times, right=True, optional=True),
            Column(title="jobs", cells=jobs, optional=True),
        )
    )
