"""Watching a run: what the views show of events, and what they cost."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, Group

from seqjobs.cli.progress import progress_for
from seqjobs.cli.progress.line_progress import LineProgress
from seqjobs.cli.progress.live_view import LiveView, drawing
from seqjobs.cli.progress.sparkline import sparkline
from seqjobs.cli.progress.tracker import Tracker
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    EpochEnded,
    Event,
    Waiting,
    WorkerLost,
    WorkerReplaced,
    WorkerStarted,
)
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.results.progress import Progress
from seqjobs.results.record import TrialRecord
from seqjobs.training.outcome import Cause, EpochReport, Failure

from .written_runs import BY_LOSS, failed, finished, grid_plan, spec_text, standing_of


@dataclass
class Clock:
    """A time that passes only when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Play:
    """Tells a view what an executor would say of a plan, and commits at once, or when told to."""

    plan: Plan
    view: Progress
    records: dict[str, TrialRecord] = field(default_factory=dict)
    resumed: int = 0

    def say(self, event: Event) -> None:
        self.view.event(event, standing_of(self.plan, dict(self.records), self.resumed))

    def begin(self, *workers: str) -> None:
        self.resumed = len(self.records)
        self.view.planned("run-one", self.plan, standing_of(self.plan, self.records, self.resumed))
        for worker in workers:
            self.say(WorkerStarted(worker=worker, node="here", pid=1, devices=("CPU",), versions=()))

    def train(self, pack: Pack, worker: str, values: list[float], metric: str = "val_accuracy") -> None:
        self.say(AttemptStarted(pack_id=pack.id, attempt=1, worker=worker))
        for epoch, value in enumerate(values):
            report = EpochReport(epoch=epoch, metrics={"loss": (0.25,), metric: (value,)})
            self.say(EpochEnded(pack_id=pack.id, attempt=1, worker=worker, reports=(report,)))

    def end(self, pack: Pack, worker: str, record: TrialRecord | None) -> None:
        """The end as the executor says it; `record` is None where it is not committed yet."""
        if record is not None:
            self.records[record.trial_id] = record
        self.say(AttemptEnded(pack_id=pack.id, attempt=1, worker=worker, members=()))


class Watching:
    """A view that only keeps the tracker, so that a test can draw at any moment."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def stage(self, text: str) -> None:
        self.tracker.begin_stage(text)

    def warning(self, text: str) -> None: ...

    def planned(self, run_id: str, plan: Plan, standing: object) -> None:
        self.tracker.begin(run_id, plan, standing)  # type: ignore[arg-type]

    def event(self, event: Event, standing: object) -> None:
        self.tracker.event(event, standing)  # type: ignore[arg-type]

    def close(self) -> None: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tracker(clock: Clock) -> Tracker:
    return Tracker(clock)


@pytest.fixture
def play(tmp_path: Path, tracker: Tracker) -> Play:
    return Play(plan=grid_plan(tmp_path), view=Watching(tracker))


def drawn(tracker: Tracker, width: int = 100, height: int = 24, *, ascii_only: bool = False) -> list[str]:
    """The lines that a terminal shows, as rich draws them."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii" if ascii_only else "utf-8")
    console = Console(file=stream, width=width, height=height, highlight=False, markup=False)
    console.print(Group(*drawing(tracker, width, height, ascii_only=ascii_only)), crop=False)
    stream.seek(0)
    return [line.rstrip() for line in stream.read().splitlines()]


def test_a_stage_shows_how_long_it_takes(tracker: Tracker, clock: Clock) -> None:
    tracker.begin_stage("starting Ray")
    clock.now += 7
    assert drawn(tracker) == ["starting Ray  7 s"]


def test_a_worker_shows_its_trial(play: Play, tracker: Tracker) -> None:
    play.begin("w1", "w2")
    play.train(play.plan.packs[0], "w1", [0.5, 0.75, 0.9])
    lines = drawn(tracker)
    assert lines[0].startswith("0/8 trials ")
    assert lines[1].split() == ["worker", "trial", "epoch", "loss", "val_accuracy"]
    assert lines[2].split() == ["w1", play.plan.trials[0].id, "3/4", "0.25000", "0.90000", "▁▅█"]
    assert lines[3].split() == ["w2", "waiting"]


def test_epochs_that_are_told_together_are_shown_like_those_told_apart(play: Play, tracker: Tracker) -> None:
    play.begin("w1", "w2")
    play.train(play.plan.packs[0], "w1", [0.5, 0.75, 0.9])
    reports = tuple(
        EpochReport(epoch=epoch, metrics={"loss": (0.25,), "val_accuracy": (value,)})
        for epoch, value in enumerate([0.5, 0.75, 0.9])
    )
    play.say(EpochEnded(pack_id=play.plan.packs[1].id, attempt=1, worker="w2", reports=reports))
    apart, together = (line.split() for line in drawn(tracker)[2:4])
    assert apart[2:] == together[2:]


def test_a_worker_that_was_replaced_is_not_shown(play: Play, tracker: Tracker) -> None:
    play.begin("w1", "w2")
    play.say(WorkerReplaced(worker="w1", private_bytes=2, budget=1))
    assert [line.split()[0] for line in drawn(tracker)[2:]] == ["w2"]


def test_the_best_is_shown_with_its_hyperparameters(play: Play, tracker: Tracker) -> None:
    play.begin("w1")
    for pack, value in zip(play.plan.packs, (0.7, 0.9, 0.8), strict=False):
        play.train(pack, "w1", [value])
        play.end(pack, "w1", finished(pack.trials[0], value))
    best = play.plan.trials[1]
    units = best.hyperparameters
    assert drawn(tracker)[-1] == (
        f"best val_accuracy 0.90000  {best.id}  0.Dense.units={units['model.0.Dense.units']} "
        f"1.Dense.units={units['model.1.Dense.units']} learning_rate={units['compile.optimizer.Adam.learning_rate']}"
    )
    assert drawn(tracker)[0].startswith("3/8 trials ━━━")


def test_lower_is_better_where_the_objective_says_so(tmp_path: Path, tracker: Tracker) -> None:
    play = Play(plan=grid_plan(tmp_path, spec_text("a"), spec_text("b", BY_LOSS)), view=Watching(tracker))
    play.begin("w1")
    values: dict[str, list[float]] = {"a": [], "b": []}
    for number, pack in enumerate(play.plan.packs):
        trial, value = pack.trials[0], 0.5 + number / 100
        values[trial.job].append(value)
        play.end(pack, "w1", finished(trial, value, play.plan.job(trial.job).objective.metric))
    assert [best.value for best in tracker.best.values() if best] == [max(values["a"]), min(values["b"])]
    assert [line.split()[:2] for line in drawn(tracker)[-2:]] == [["best", "val_accuracy"], ["best", "val_loss"]]


def test_only_what_is_committed_counts(play: Play, tracker: Tracker) -> None:
    play.begin("w1")
    pack = play.plan.packs[0]
    play.train(pack, "w1", [0.9])
    play.end(pack, "w1", None)
    assert drawn(tracker)[0].startswith("0/8 trials")
    assert not any("best" in line for line in drawn(tracker))
    play.records[pack.trials[0].id] = finished(pack.trials[0], 0.9)
    play.say(Waiting())
    assert drawn(tracker)[0].startswith("1/8 trials")
    assert drawn(tracker)[-1].startswith("best val_accuracy 0.90000")


def test_the_best_is_the_assignment_with_the_best_mean_so_far(tmp_path: Path, tracker: Tracker) -> None:
    """A lucky seed leads until the next repeat of its assignment ends."""
    text = spec_text().replace("{sampler: grid}", "{sampler: grid, repeats: 2}")
    play = Play(plan=grid_plan(tmp_path, text), view=Watching(tracker))
    play.begin("w1")
    trials = {(pack.trials[0].number, pack.trials[0].repeat): pack for pack in play.plan.packs}
    shown = []
    for key, value in [((0, 0), 0.9), ((1, 0), 0.7), ((0, 1), 0.1), ((1, 1), 0.6)]:
        pack = trials[key]
        play.end(pack, "w1", finished(pack.trials[0], value))
        shown.append(drawn(tracker)[-1].split()[1:4])
    lucky, steady = trials[0, 0].trials[0].id, trials[1, 0].trials[0].id
    assert shown == [
        ["val_accuracy", "0.90000", lucky],
        ["val_accuracy", "0.90000", lucky],
        ["val_accuracy", "0.70000", steady],
        ["val_accuracy", "0.65000", steady],
    ]


def test_a_failure_is_shown_as_text(play: Play, tracker: Tracker) -> None:
    play.begin("w1")
    trial = play.plan.trials[0]
    play.end(play.plan.packs[0], "w1", failed(trial, "bad\x1b[2J\nthing [red]"))
    assert drawn(tracker)[-1] == f"1 failed  {trial.id} (small) nan: bad thing [red]"


def test_a_resumed_run_shows_its_best_at_once(play: Play, tracker: Tracker) -> None:
    trial = play.plan.trials[3]
    play.records[trial.id] = finished(trial, 0.97)
    play.begin("w1")
    assert drawn(tracker)[-1].startswith(f"best val_accuracy 0.97000  {trial.id}")


def test_the_time_left_comes_from_this_submit_alone(play: Play, tracker: Tracker, clock: Clock) -> None:
    for trial in play.plan.trials[:4]:
        play.records[trial.id] = finished(trial, 0.5)
    play.begin("w1")
    clock.now += 100  # workers start; none of it is training
    assert tracker.seconds_left() is None
    play.say(AttemptStarted(pack_id=play.plan.packs[4].id, attempt=1, worker="w1"))
    clock.now += 30
    play.end(play.plan.packs[4], "w1", finished(play.plan.trials[4], 0.5))
    assert tracker.seconds_left() == pytest.approx(90)
    play.train(play.plan.packs[5], "w1", [0.5, 0.5])  # half of its four epochs
    clock.now += 15
    assert tracker.seconds_left() == pytest.approx(75)
    assert "about 1 min left" in drawn(tracker)[0]


@pytest.mark.parametrize(("width", "height"), [(100, 24), (60, 15), (40, 8), (20, 4), (10, 2)])
def test_a_drawing_fits_its_terminal(tmp_path: Path, tracker: Tracker, width: int, height: int) -> None:
    play = Play(plan=grid_plan(tmp_path, spec_text("a"), spec_text("b", BY_LOSS)), view=Watching(tracker))
    play.begin(*(f"worker-{number}" for number in range(12)))
    play.end(play.plan.packs[14], "w", failed(play.plan.trials[14], "long " * 50))
    play.end(play.plan.packs[15], "w", finished(play.plan.trials[15], 0.5, "val_loss"))
    for number, pack in enumerate(play.plan.packs[:12]):
        metric = play.plan.job(pack.trials[0].job).objective.metric
        play.train(pack, f"worker-{number}", [0.1 * epoch for epoch in range(4)], metric)
    lines = drawn(tracker, width, height)
    assert len(lines) <= max(height - 2, 1)
    assert max(map(cell_len, lines)) <= width
    assert lines[0].startswith("2/16 trials"[: width - 1])


def test_workers_without_room_are_counted(play: Play, tracker: Tracker) -> None:
    play.begin(*(f"w{number}" for number in range(30)))
    lines = drawn(tracker, 60, 15)
    assert len(lines) == 13
    assert lines[-1] == "and 20 more workers"
    assert lines[-2].split()[0] == "w9"


def test_columns_do_not_move_as_trials_come_and_go(play: Play, tracker: Tracker) -> None:
    play.begin("w1", "w2")
    before = drawn(tracker)[1]
    play.train(play.plan.packs[0], "w1", [0.5])
    during = drawn(tracker)[1]
    play.end(play.plan.packs[0], "w1", finished(play.plan.trials[0], 0.5))
    assert before == during == drawn(tracker)[1]


def test_a_terminal_without_unicode_gets_ascii(play: Play, tracker: Tracker) -> None:
    play.begin("w1")
    play.train(play.plan.packs[0], "w1", [0.1, 0.5, 0.9])
    assert all(line.isascii() for line in drawn(tracker, 50, ascii_only=True))


def test_a_pack_shows_its_best_member(tmp_path: Path, tracker: Tracker) -> None:
    plan = grid_plan(tmp_path)
    first = plan.packs[0]
    both = Pack(id="both", program_key="k", trials=plan.trials[:2], resources=first.resources, retries=first.retries)
    play = Play(plan=Plan(table=plan.table, packs=(both, *plan.packs[2:])), view=Watching(tracker))
    play.begin("w1")
    report = EpochReport(epoch=0, metrics={"loss": (0.5, 0.4), "val_accuracy": (0.6, 0.8)})
    play.say(EpochEnded(pack_id="both", attempt=1, worker="w1", reports=(report,)))
    assert drawn(tracker)[2].split()[1:6] == [plan.trials[1].id, "+1", "1/4", "0.40000", "0.80000"]


def test_many_trials_a_second_are_counted(play: Play, tracker: Tracker, clock: Clock) -> None:
    play.begin("w1")
    play.train(play.plan.packs[0], "w1", [0.5])
    for pack in play.plan.packs[:4]:
        play.end(pack, "w1", finished(pack.trials[0], 0.5))
    clock.now += 1.0
    assert "  4 trials/s  about " in drawn(tracker)[0]
    clock.now += 9.0
    assert "trials/s" not in drawn(tracker)[0]


def test_an_event_costs_the_same_in_a_long_run(play: Play, tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    play.begin("w1")

    def ranked(*_: object) -> None:
        raise AssertionError("an event ranked all trials")

    monkeypatch.setattr("seqjobs.results.progress.rank_jobs", ranked)
    pack = play.plan.packs[0]
    play.train(pack, "w1", [0.5])
    play.end(pack, "w1", finished(pack.trials[0], 0.5))
    assert drawn(tracker)[-1].startswith("best val_accuracy 0.5")


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([], 10, ""),
        ([1.0], 0, ""),
        ([0.0, 1.0], 10, "▁█"),
        ([0.5, 0.5], 10, "▄▄"),
        ([0.0, float("nan"), 1.0], 10, "▁ █"),
        ([float("nan")], 10, " "),
        (list(range(100)), 4, "▁▃▆█"),
    ],
)
def test_a_sparkline_is_as_high_as_its_numbers(values: list[float], width: int, line: str) -> None:
    assert sparkline(values, width) == line


def lines_of(play: Play, tracker: Tracker, clock: Clock) -> tuple[LineProgress, io.StringIO]:
    stream = io.StringIO()
    view = LineProgress(stream, tracker, clock, lambda: "12:03")
    play.view = view
    return view, stream


def test_without_a_terminal_there_is_a_line_a_minute(play: Play, tracker: Tracker, clock: Clock) -> None:
    view, stream = lines_of(play, tracker, clock)
    view.stage("starting Ray")
    play.begin("w1")
    for pack in play.plan.packs[:5]:
        play.train(pack, "w1", [0.5] * 4)
        clock.now += 25
        play.end(pack, "w1", finished(pack.trials[0], 0.5 if pack is not play.plan.packs[1] else 0.75))
    view.close()
    view.close()
    best = f"best val_accuracy 0.75000 ({play.plan.trials[1].id})"
    assert stream.getvalue().splitlines() == [
        "12:03 starting Ray",
        "12:03 run run-one: 8 trials of 1 job",
        f"12:03 3/8 trials, {best}, about 2 min left",
        "12:03 5 of 8 trials done in 2 min 05 s: 5 finished, 0 failed",
    ]


def test_what_goes_wrong_has_a_line_of_its_own(play: Play, tracker: Tracker, clock: Clock) -> None:
    view, stream = lines_of(play, tracker, clock)
    trials = play.plan.trials
    play.records[trials[7].id] = finished(trials[7], 0.5)
    play.begin("w1")
    play.say(WorkerLost(worker="w1", reason="killed\nby 9"))
    play.say(WorkerReplaced(worker="w3", private_bytes=3 * 2**30, budget=2 * 2**30))
    play.train(play.plan.packs[0], "w2", [0.5])
    crash = Failure(cause=Cause.CRASH, message="died")
    lost = {"pack_id": play.plan.packs[0].id, "worker": "w2", "failure": crash, "charged": True}
    play.say(AttemptLost(attempt=1, final=False, **lost))  # type: ignore[arg-type]
    play.records[trials[0].id] = failed(trials[0], "died 3 times", Cause.CRASH)
    play.say(AttemptLost(attempt=3, final=True, **lost))  # type: ignore[arg-type]
    view.close()
    assert stream.getvalue().splitlines() == [
        "12:03 run run-one: 8 trials of 1 job, 1 of them already done",
        "12:03 worker w1 lost: killed by 9",
        "12:03 worker w3 replaced: it used 3 GiB of memory, more than its 2 GiB",
        f"12:03 trial {trials[0].id} (small) crash: died 3 times",
        "12:03 2 of 8 trials done in 0 s: 1 finished, 1 failed",
    ]


def test_a_full_disk_behind_stderr_stops_nothing(play: Play, tracker: Tracker, clock: Clock) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    play.view = LineProgress(Full(), tracker, clock)
    play.begin("w1")
    clock.now += 1000
    play.say(Waiting())
    play.view.close()
    assert tracker.run_id == "run-one"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "term", "kind"),
    [(Terminal(), "xterm", LiveView), (Terminal(), "dumb", LineProgress), (io.StringIO(), "xterm", LineProgress)],
)
def test_the_view_suits_the_stream(
    stream: io.StringIO, term: str, kind: type, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    assert isinstance(progress_for(stream, tracker), kind)


def test_the_live_view_leaves_two_lines(play: Play, tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    play.view = LiveView(stream, tracker)
    play.view.stage("starting Ray")
    play.begin("w1")
    play.train(play.plan.packs[0], "w1", [0.5])
    play.end(play.plan.packs[0], "w1", finished(play.plan.trials[0], 0.5))
    play.view.close()
    play.view.close()
    output = stream.getvalue()
    assert "run run-one: 8 trials of 1 job\n" in output
    assert output.count("1 of 8 trials done in ") == 1
    assert output.rstrip("\n").endswith("1 finished, 0 failed")
    assert "\x1b[?25l" in output  # the cursor was hidden,
    assert output.rindex("\x1b[?25h") > output.rindex("\x1b[?25l")  # and is back


def test_a_terminal_that_echoes_ctrl_c_keeps_nothing_of_the_drawing(
    play: Play, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `^C` must not begin another line, so the last line of the drawing is empty."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    play.view = view = LiveView(stream, tracker)
    play.begin("w1")
    play.end(play.plan.packs[0], "w1", failed(play.plan.trials[0], "long " * 50))
    view.notice("stopping")
    view._live.refresh()
    play.view.close()
    *_, last = re.findall(r"stopping.*\n(.*?)\x1b", stream.getvalue())
    assert last.strip() == ""


def test_a_warning_stands_above_what_is_drawn_in_every_view(
    play: Play, tracker: Tracker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, stream = lines_of(play, tracker, clock)
    view.warning("column '\x1b[31mdelay' tells all")
    assert stream.getvalue() == "12:03 warning: column 'delay' tells all\n"
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    live = LiveView(screen, tracker)
    live.stage("reading data")
    live.warning("column 'delay' tells all")
    live.close()
    assert re.search(r"warning: column 'delay' tells all(\x1b\[0m)?\n", screen.getvalue())
