"""LiveView: a run watched on a terminal, redrawn a few times a second however many events there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TextIO, final

import rich.table
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from seqjobs.cli.progress.line_progress import end_line, start_line
from seqjobs.cli.progress.sparkline import sparkline
from seqjobs.cli.progress.tracker import BestTrial, Tracker, WorkerRow
from seqjobs.cli.streams import say_now
from seqjobs.cli.views.formatting import (
    counted,
    shown_duration,
    shown_estimate,
    shown_metric,
    shown_value,
)
from seqjobs.cli.views.tables import GAP, Column, Table
from seqjobs.errors.percentages import shown_percent
from seqjobs.errors.printable import printable
from seqjobs.execution.events import Event
from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.results.progress import Standing

REDRAWS_PER_SECOND = 5
MAX_BAR = 40
LEAST_BAR = 4
MAX_SPARKLINE = 40
LEAST_SPARKLINE = 5
ID_WIDTH = 10
METRIC_WIDTH = 8  # 0.054806
TALL = 20  # lines of a terminal on which a best trial may take two


@final
class LiveView:
    """Events only change the tracker; a thread of rich draws what the tracker holds.

    At the end the drawing is removed, and one line about the run takes its place.
    """

    def __init__(self, stream: TextIO, tracker: Tracker) -> None:
        self._tracker = tracker
        self._lock = Lock()
        self._notice = ""
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=REDRAWS_PER_SECOND,
            transient=True,
            vertical_overflow="crop",
        )
        self._open = True

    def stage(self, text: str) -> None:
        with self._lock:
            self._tracker.begin_stage(text)
        if not self._live.is_started:
            self._live.start()

    def warning(self, text: str) -> None:
        self._console.print(Text(f"warning: {printable(text)}", style="yellow"))

    def notice(self, text: str) -> None:
        self._notice = text
        if not self._live.is_started:
            say_now(text)

    def planned(self, run_id: str, plan: Plan, standing: Standing) -> None:
        with self._lock:
            self._tracker.begin(run_id, plan, standing)
        self._console.print(Text(start_line(run_id, plan, standing)))
        if not self._live.is_started:
            self._live.start()

    def event(self, event: Event, standing: Standing) -> None:
        with self._lock:
            self._tracker.event(event, standing)

    def close(self) -> None:
        self._live.stop()
        if self._open and self._tracker.has_trained:
            self._console.print(Text(end_line(self._tracker)))
        self._open = False

    def _draw(self) -> Group:
        encoding = (self._console.encoding or "ascii").lower()
        size = self._console.size
        with self._lock:
            lines = drawing(
                self._tracker, size.width, size.height, notice=self._notice, ascii_only=not encoding.startswith("utf")
            )
        return Group(*lines, Text())


def drawing(
    tracker: Tracker, width: int, height: int, *, notice: str = "", ascii_only: bool = False
) -> list[RenderableType]:
    """Return what fits a terminal of `width` x `height` cells: at most `height - 2` lines, none of which wraps.

    A drawing that is taller than the terminal could not be removed again. Neither could one whose last line is full: a
    terminal echoes Ctrl-C as `^C` behind it. So an empty line follows.
    """
    room = max(height - 2, 1)
    last = [Text(notice, style="yellow")] if notice else []
    if tracker.standing is None:
        lines: list[RenderableType] = [_stage_line(tracker), *last]
        return [_one_line(line, ascii_only) for line in lines][:room]
    bests = ((objective, best) for objective, best in tracker.best.items() if best is not None)
    footer = [line for objective, best in bests for line in _best_lines(tracker, objective, best, width, height)]
    if tracker.standing.failed:
        footer.append(_failed_line(tracker, tracker.standing))
    footer = [*footer[: max(room - 3 - len(last), 0)], *last][: room - 1]
    workers = _workers(tracker, width, room - 1 - len(footer), ascii_only=ascii_only)
    lines = [_progress_line(tracker, tracker.standing, width), *workers, *footer]
    return [_one_line(line, ascii_only) for line in lines]


def _one_line(line: RenderableType, ascii_only: bool) -> RenderableType:
    if isinstance(line, Text):
        line.no_wrap, line.overflow = True, "crop" if ascii_only else "ellipsis"
    return line


def _stage_line(tracker: Tracker) -> Text:
    return Text.assemble(tracker.stage or "starting", (f"  {tracker.stage_seconds():.0f} s", "dim"))


def _progress_line(tracker: Tracker, standing: Standing, width: int) -> RenderableType:
    done = standing.finished + standing.failed
    counts = f"{done:,}/{counted(standing.total, 'trial')}"
    share = shown_percent(done / standing.total if standing.total else 1.0)
    ending = f"{share:>4}  {_remaining(tracker, tracker.seconds_left())}"
    bar_width = min(MAX_BAR, width - cell_len(counts) - cell_len(ending) - 2)
    if bar_width < LEAST_BAR:
        return Text.assemble((counts, "bold"), f" {ending}")
    grid = rich.table.Table.grid(padding=(0, 1))
    bar = ProgressBar(total=standing.total, completed=done, width=bar_width)
    grid.add_row(Text(counts, style="bold"), bar, Text(ending))
    return grid


def _remaining(tracker: Tracker, left: float | None) -> str:
    if tracker.stage:
        return tracker.stage
    if left is not None:
        rate = tracker.trials_per_second()
        speed = f"{rate:,.0f} trials/s  " if rate is not None else ""
        return f"{speed}about {shown_estimate(left)} left"
    return shown_duration(float(int(tracker.seconds()))) if tracker.workers else "waiting for workers"


def _workers(tracker: Tracker, width: int, room: int, *, ascii_only: bool) -> list[RenderableType]:
    """Return a table of the workers that there is room for, and a line that counts the others."""
    if not tracker.workers or room < 2:
        return []
    rows = sorted(tracker.workers.values(), key=lambda row: (len(row.worker), row.worker))
    hidden = len(rows) - (room - 1)
    if hidden > 0:
        rows = rows[: room - 2]
        hidden += 1
    columns = _columns(tracker, rows, width, ascii_only=ascii_only)
    table: list[RenderableType] = [Table(columns=columns, title_style="dim", has_rule=False)] if rows else []
    return [*table, Text(f"and {counted(hidden, 'more worker')}", style="dim")] if hidden > 0 else table


def _columns(tracker: Tracker, rows: list[WorkerRow], width: int, *, ascii_only: bool) -> tuple[Column, ...]:
    """Return the columns that fit, the least important ones left out first, and a sparkline in the rest of the width.

    The columns and their least widths depend on the run alone, so that nothing moves as trials come and go.
    """
    metrics = list(dict.fromkeys(objective.metric for objective in tracker.best))
    named = len(metrics) > 1
    columns = {
        "worker": Column(title="worker", cells=tuple(row.worker for row in rows), style="dim"),
        "trial": Column(title="trial", cells=tuple(map(_trial_cell, rows)), least_width=ID_WIDTH),
        "job": Column(title="job", cells=tuple(map(_job_cell, rows)), least_width=_longest(tracker.jobs)),
        "epoch": Column(
            title="epoch",
            cells=tuple(f"{row.epoch}/{row.epochs}" if row.epochs else "" for row in rows),
            right=True,
            least_width=2 * len(str(tracker.max_epochs)) + 1,
        ),
        "loss": Column(title="loss", cells=tuple(map(_loss_cell, rows)), right=True, least_width=METRIC_WIDTH),
        "objective": Column(
            title="objective" if named or not metrics else metrics[0],
            cells=tuple(_metric_cell(row, named=named) for row in rows),
            right=True,
            style="bold",
            least_width=METRIC_WIDTH + (_longest(metrics) + 1 if named else 0),
        ),
    }
    if len(tracker.jobs) == 1:
        del columns["job"]
    if metrics == ["loss"]:
        del columns["loss"]
    for name in ("job", "loss", "worker", "epoch"):
        if Table(columns=tuple(columns.values())).width + GAP + LEAST_SPARKLINE <= width:
            break
        columns.pop(name, None)
    rest = min(width - Table(columns=tuple(columns.values())).width - GAP, MAX_SPARKLINE)
    if rest < LEAST_SPARKLINE:
        return tuple(columns.values())
    cells = tuple(sparkline(row.values, rest, ascii_only=ascii_only) for row in rows)
    return (*columns.values(), Column(title="", cells=cells, style="cyan", least_width=rest))


def _longest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _trial_cell(row: WorkerRow) -> str:
    if row.pack is None or row.trial is None:
        return "waiting"
    others = len(row.pack.trials) - 1
    return f"{row.trial.id} +{others}" if others else row.trial.id


def _job_cell(row: WorkerRow) -> str:
    return row.trial.job if row.trial else ""


def _loss_cell(row: WorkerRow) -> str:
    return shown_metric(row.loss) if row.loss is not None else ""


def _metric_cell(row: WorkerRow, *, named: bool) -> str:
    if not row.values:
        return ""
    value = shown_metric(row.values[-1])
    return f"{row.metric} {value}" if named else value


def _best_lines(
    tracker: Tracker, objective: ObjectiveSpec, best: BestTrial, width: int, height: int
) -> Iterator[RenderableType]:
    value = (f"{objective.metric} {shown_metric(best.value)}", "bold green")
    line, assignment = Text.assemble("best ", value, f"  {best.trial.id}"), _assignment(tracker, best.trial)
    if line.cell_len + 2 + cell_len(assignment) > width and height >= TALL:
        yield line
        yield Text(f"     {assignment}")
    else:
        yield line.append(f"  {assignment}")


def _assignment(tracker: Tracker, trial: Trial) -> str:
    """`units=64 learning_rate=0.00123`, or the job's name if nothing varies."""
    names = tracker.short_names
    pairs = (f"{names.get(key, key)}={shown_value(value)}" for key, value in trial.hyperparameters.items())
    return " ".join(pairs) or trial.job


def _failed_line(tracker: Tracker, standing: Standing) -> Text:
    return Text.assemble((f"{standing.failed:,} failed", "bold red"), f"  {tracker.last_failure}")
