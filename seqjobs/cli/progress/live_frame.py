"""live_frame: what the live view draws, as lines that fit the terminal; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from seqjobs.cli.progress.sparkline import sparkline
from seqjobs.cli.progress.tracker import BestTrial, Tracker, WorkerRow
from seqjobs.cli.views.numbers import counted, shown_duration, shown_estimate, shown_metric, shown_value
from seqjobs.planning.trial import Trial
from seqjobs.results.progress import Standing
from seqjobs.spec.sections import ObjectiveSpec

MAX_BAR = 40
MAX_SPARKLINE = 40
LEAST_SPARKLINE = 5
ID_WIDTH = 10
METRIC_WIDTH = 8  # 0.054806
TALL = 20  # lines of a terminal in which the best may take two


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The room there is, and what may be drawn in it."""

    width: int
    height: int
    ascii_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the workers' table; `title` is empty over the sparkline."""

    title: str
    cells: tuple[str, ...]
    right: bool = False
    style: str = ""
    least: int = 0

    @property
    def width(self) -> int:
        return max(self.least, _longest((self.title, *self.cells)))


def live_frame(tracker: Tracker, frame: Frame) -> list[Text]:
    """At most `height - 1` lines, none wider than the terminal: a taller drawing could not be taken back."""
    if tracker.standing is None:
        return [_cut(_stage_line(tracker), frame)]
    lines = [_progress_line(tracker, tracker.standing, frame)]
    bests = ((objective, best) for objective, best in tracker.best.items() if best is not None)
    footer = [line for objective, best in bests for line in _best_lines(tracker, objective, best, frame)]
    if tracker.standing.failed:
        footer.append(_failed_line(tracker, tracker.standing))
    room = max(frame.height - 1, 1)
    footer = footer[: max(room - len(lines) - 2, 0)]
    workers = _worker_lines(tracker, frame, room - len(lines) - len(footer))
    return [_cut(line, frame) for line in (*lines, *workers, *footer)][:room]


def _stage_line(tracker: Tracker) -> Text:
    return Text.assemble(tracker.stage or "starting", (f"  {tracker.stage_seconds():.0f} s", "dim"))


def _progress_line(tracker: Tracker, standing: Standing, frame: Frame) -> Text:
    done = standing.finished + standing.failed
    share = done / standing.total if standing.total else 1.0
    left = tracker.seconds_left()
    counts = f"{done:,}/{counted(standing.total, 'trial')}"
    ending = f" {share:4.0%}  {_remaining(tracker, left)}"
    width = min(MAX_BAR, frame.width - cell_len(counts) - cell_len(ending) - 1)
    full, empty = ("#", "-") if frame.ascii_only else ("━", "─")
    filled = int(max(width, 0) * share)
    bar = ((full * filled, "green"), (empty * (max(width, 0) - filled), "dim"))
    return Text.assemble((counts, "bold"), " ", *bar, ending)


def _remaining(tracker: Tracker, left: float | None) -> str:
    if tracker.stage:
        return tracker.stage
    if left is not None:
        rate = tracker.trials_per_second()
        speed = f"{rate:,.0f} trials/s  " if rate is not None else ""
        return f"{speed}about {shown_estimate(left)} left"
    return shown_duration(float(int(tracker.seconds()))) if tracker.workers else "starting workers"


def _worker_lines(tracker: Tracker, frame: Frame, room: int) -> list[Text]:
    """A title and a row each; the workers there is no room for are counted."""
    if not tracker.workers or room < 2:
        return []
    rows = sorted(tracker.workers.values(), key=lambda row: (len(row.worker), row.worker))
    hidden = len(rows) - (room - 1)
    if hidden > 0:
        rows = rows[: room - 2]
        hidden += 1
    lines = _table(_columns(tracker, rows, frame), len(rows)) if rows else []
    return [*lines, Text(f"and {counted(hidden, 'more worker')}", style="dim")] if hidden > 0 else lines


def _columns(tracker: Tracker, rows: list[WorkerRow], frame: Frame) -> list[Column]:
    """The columns that fit, the least telling ones left out first, and the sparkline in the rest of the width.

    Which they are and how wide at least depends on the run alone, so that nothing jumps as trials come and go.
    """
    metrics = list(dict.fromkeys(objective.metric for objective in tracker.best))
    jobs = list(tracker.jobs)
    metric_cells = tuple(_metric_cell(row, named=len(metrics) > 1) for row in rows)
    columns = {
        "worker": Column(title="worker", cells=tuple(row.worker for row in rows), style="dim"),
        "trial": Column(title="trial", cells=tuple(_trial_cell(row) for row in rows), least=ID_WIDTH),
        "job": Column(
            title="job", cells=tuple(row.trial.job if row.trial else "" for row in rows), least=_longest(jobs)
        ),
        "epoch": Column(
            title="epoch",
            cells=tuple(f"{row.epoch}/{row.epochs}" if row.epochs else "" for row in rows),
            right=True,
            least=2 * len(str(tracker.max_epochs)) + 1,
        ),
        "loss": Column(title="loss", cells=tuple(_loss_cell(row) for row in rows), right=True, least=METRIC_WIDTH),
        "objective": Column(
            title=metrics[0] if len(metrics) == 1 else "objective",
            cells=metric_cells,
            right=True,
            style="bold",
            least=METRIC_WIDTH + (_longest(metrics) + 1 if len(metrics) > 1 else 0),
        ),
    }
    if len(jobs) == 1:
        del columns["job"]
    if metrics == ["loss"]:
        del columns["loss"]
    for name in ("job", "loss", "worker", "epoch"):
        if _width(columns) + LEAST_SPARKLINE <= frame.width:
            break
        columns.pop(name, None)
    width = min(frame.width - _width(columns), MAX_SPARKLINE)
    cells = tuple(sparkline(row.values, width, ascii_only=frame.ascii_only) for row in rows)
    return [*columns.values(), Column(title="", cells=cells, style="cyan")]


def _longest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _width(columns: dict[str, Column]) -> int:
    return sum(column.width + 2 for column in columns.values())


def _table(columns: list[Column], num_rows: int) -> list[Text]:
    lines = [Text("  ".join(_cell(column.title, column) for column in columns), style="dim")]
    for row in range(num_rows):
        parts = [(_cell(column.cells[row], column), column.style) for column in columns]
        lines.append(Text("  ").join(Text(text, style=style) for text, style in parts))
    return lines


def _cell(text: str, column: Column) -> str:
    if column.right:
        return " " * (column.width - cell_len(text)) + text
    return set_cell_size(text, column.width)


def _trial_cell(row: WorkerRow) -> str:
    if row.pack is None or row.trial is None:
        return "waiting"
    others = len(row.pack.trials) - 1
    return f"{row.trial.id} +{others}" if others else row.trial.id


def _loss_cell(row: WorkerRow) -> str:
    return shown_metric(row.loss) if row.loss is not None else ""


def _metric_cell(row: WorkerRow, *, named: bool) -> str:
    if not row.values:
        return ""
    value = shown_metric(row.values[-1])
    return f"{row.metric} {value}" if named else value


def _best_lines(tracker: Tracker, objective: ObjectiveSpec, best: BestTrial, frame: Frame) -> Iterator[Text]:
    value = (f"{objective.metric} {shown_metric(best.value)}", "bold green")
    line, assignment = Text.assemble("best ", value, f"  {best.trial.id}"), _assignment(tracker, best.trial)
    if line.cell_len + 2 + cell_len(assignment) > frame.width and frame.height >= TALL:
        yield line
        yield Text(f"     {assignment}")
    else:
        yield line.append(f"  {assignment}")


def _assignment(tracker: Tracker, trial: Trial) -> str:
    """`units=64 learning_rate=0.00123`, or the job's name where nothing varies."""
    names = tracker.short_names
    pairs = (f"{names.get(key, key)}={shown_value(value)}" for key, value in trial.hyperparameters.items())
    return " ".join(pairs) or trial.job


def _failed_line(tracker: Tracker, standing: Standing) -> Text:
    return Text.assemble((f"{standing.failed:,} failed", "bold red"), f"  {tracker.last_failure}")


def _cut(line: Text, frame: Frame) -> Text:
    """One line of the terminal, never two."""
    line.no_wrap = True
    if line.cell_len > frame.width:
        mark = "..." if frame.ascii_only else "…"
        line.truncate(max(frame.width - cell_len(mark), 0))
        line.append(mark)
    return line
