"""Results: everything that was measured, as `results.json` holds it and RESULTS.md is made from."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Figures(BaseModel):
    """Strict and immutable; times are in seconds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Machine(Figures):
    cpu: str
    cores: int
    memory_gib: float


class Side(Figures):
    """One program on one workload."""

    name: str
    label: str
    how: str
    trials: int
    """In each of the processes."""
    startup_seconds: tuple[float, ...]
    """One a process: until its first trial had ended."""
    seconds: tuple[float, ...]
    """Samples of the time of one trial more."""
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def startup(self) -> float:
        return statistics.median(self.startup_seconds)


class Speed(Figures):
    """All sides on one workload; `left_out` says which are missing, and why."""

    workload: str
    title: str
    rows: int
    validation_rows: int
    validation_split: float
    epochs: int
    batch_size: int
    sides: tuple[Side, ...]
    left_out: tuple[str, ...] = ()

    def side(self, name: str) -> Side | None:
        return next((side for side in self.sides if side.name == name), None)


class FirstLeaderboard(Figures):
    """From the start of a process until the leaderboard of `trials` small trials."""

    trials: int
    seconds: tuple[float, ...]
    """Of `seqjobs submit`; one a repeat."""


class TwoArchitectures(Figures):
    """From warm workers until the leaderboard: the seconds of a first run and of those behind it, programs warm."""

    trials: int
    packs: int
    seconds: tuple[float, ...]


class Roofline(Figures):
    """One training step on one core against the core's own rate of matrix products."""

    workload: str
    members: int
    """Trials that train together in the step."""
    compiled: str
    flops: int
    """Of the matrix products of the step."""
    step_seconds: tuple[float, ...]
    square_gflops: float
    own_gflops: float

    @property
    def gflops(self) -> float:
        return self.flops / statistics.median(self.step_seconds) / 1e9

    @property
    def share(self) -> float:
        """Of the rate of a large square product."""
        return self.gflops / self.square_gflops


STEADY = 1e-5
"""A loss that rounding of the features moves farther has no digits that a compiler could keep."""
NUDGES = 6
"""How often features are rounded otherwise, to see that."""


class HistoryDifference(Figures):
    """The largest relative difference between the losses of a trial and those of stock `fit`, same seed and order."""

    workload: str
    compiled: str
    """How the rule has it trained; the first two differences are of that."""
    trials: int
    epochs: int
    first_epoch: float
    all_epochs: float
    graph_all_epochs: float
    """Of the same epochs compiled by TensorFlow's graph executor, as `fit` compiles its steps."""
    nudged: float
    """What features that are rounded otherwise make of the losses in the graph."""
    steady: int
    """The trials of which that makes at most STEADY."""
    steady_all_epochs: float
    """As `all_epochs`, of these trials alone."""


class PackSizes(Figures):
    """One model in packs of more and more places, on one core."""

    model: str
    parameters: int
    batch_size: int
    places: tuple[int, ...]
    step_seconds: tuple[float, ...]
    """Of one trial, for each of the places; 1 is one trial at a time, with a program of its own."""


class MemoryGrowth(Figures):
    """Of one worker's process over trials one at a time; the first ones are left out."""

    trials: int
    warm_up: int
    growth_mb: float
    """In 10^6 bytes."""
    seconds_per_trial: float


class Results(Figures):
    """`dates` has the day on which a part was measured."""

    machine: Machine
    versions: Mapping[str, str]
    quick: bool
    dates: Mapping[str, str] = {}
    left_out: tuple[str, ...] = ()
    speed: tuple[Speed, ...] = ()
    first_leaderboard: FirstLeaderboard | None = None
    two_architectures: TwoArchitectures | None = None
    roofline: tuple[Roofline, ...] = ()
    histories: tuple[HistoryDifference, ...] = ()
    pack_sizes: tuple[PackSizes, ...] = ()
    memory: MemoryGrowth | None = None
    empty_trials: Mapping[str, float] = {}
    durability: Mapping[str, float] = {}
    """Seconds a trial, with fsync and without."""
    reading: Mapping[str, float] = {}
    startup: Mapping[str, float] = {}

    def speed_of(self, workload: str) -> Speed | None:
        return next((speed for speed in self.speed if speed.workload == workload), None)

    def median(self, workload: str, side: str) -> float | None:
        """The seconds of one trial more."""
        speed = self.speed_of(workload)
        found = speed.side(side) if speed is not None else None
        return found.median if found is not None else None
