"""What a worker gives up before it works, and that building and training models does nothing to the world."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import keras
import psutil
import pytest

from seqjobs.data.read import read_dataset
from seqjobs.tables import LAYERS, Named
from seqjobs.training.model import build, build_model
from seqjobs.training.outcome import PackRunner, TrialOutcome
from tests.conftest import MakePlan
from tests.training.packs.members import only_pack

pytestmark = pytest.mark.slow


# Of https://docs.python.org/3/library/audit_events.html.
STARTS = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.")
REACHES = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.")
CHANGES = ("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink",
           "os.truncate", "shutil.")  # fmt: skip
TEMPORARY = Path(tempfile.gettempdir())
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

HARDENED = """
import os, resource, sys, threading
import ray, seqjobs.cli.main, seqjobs.run
from pathlib import Path
from seqjobs.execution.hardening import Hardened
from seqjobs.execution.ray_worker import decode_alone
from seqjobs.data.data_source import DataSource
from seqjobs.jobspec.sections import DataSpec

def look(cpus):
    fields = dict(line.split(":", 1) for line in Path("/proc/thread-self/status").read_text().splitlines())
    unpickles = any(name.startswith("RAY_DATA_AUTOLOAD") for name in os.environ)
    print(fields["NoNewPrivs"].strip(), fields["Umask"].strip(), resource.getrlimit(resource.RLIMIT_CORE), unpickles,
          "ray.data" in sys.modules)

if sys.argv[1] == "worker":
    Hardened(start=look)(1)
else:
    data = DataSpec(train=("train.parquet",), features=("x0",), target="yes")
    facts, dataset = decode_alone(DataSource(id="points", spec=data, folder=Path(sys.argv[2])), "note")
    assert dataset is not None
    look(1)
thread = threading.Thread(target=look, args=(1,))
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("which", ["worker", "decode"])
def test_a_worker_and_who_reads_data_have_given_up_what_they_need_not(which: str, points: Path) -> None:
    environment = {**os.environ, "RAY_DATA_AUTOLOAD_CLOUDPICKLE_TENSOR_METADATA": "1"}
    command = [sys.executable, "-c", HARDENED, which, str(points)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1 0077 (0, 0) False False"] * 2


@dataclass
class Wall:
    """Raises in this process, while it stands, for what training has no need of. A hook can never be taken out."""

    stands: bool = False
    passed: list[Path] = field(default_factory=list)
    """The files that were written where it is allowed."""

    def __post_init__(self) -> None:
        sys.addaudithook(self._hook)

    @contextmanager
    def standing(self) -> Iterator[None]:
        self.stands = True
        try:
            yield
        finally:
            self.stands = False

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.stands:
            return
        if event.startswith((*STARTS, *REACHES)):
            raise PermissionError(f"{event} {arguments}")
        is_write = event == "open" and bool(int(arguments[2] or 0) & WRITES)
        if not is_write and not event.startswith(CHANGES):
            return
        path = _path(arguments)
        if not path.is_relative_to(TEMPORARY):
            raise PermissionError(f"{event} {arguments}")
        self.passed.append(path)


def _path(arguments: tuple[Any, ...]) -> Path:
    """What is removed from a folder is named within it, by the folder's number, which comes last."""
    folder = arguments[-1] if isinstance(arguments[-1], int) and len(arguments) == 2 and arguments[-1] > 0 else None
    where = Path() if folder is None else Path(f"/proc/self/fd/{folder}").readlink()
    return (where / str(arguments[0])).absolute()


@pytest.fixture(scope="module")
def wall() -> Wall:
    return Wall()


def test_building_and_training_write_nothing_start_nothing_and_reach_nobody(
    wall: Wall, runner: PackRunner, make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # (as Python is where no variable says otherwise)
    process = psutil.Process()
    plan = make_points_plan("fit.compile={choice: [xla, stock]}", "search.sampler=grid", "fit.epochs=1")
    packed = make_points_plan(
        "compile.optimizer.Adam.learning_rate={choice: [0.1, 0.2]}", "search.sampler=grid", "fit.pack=2"
    )
    dataset = read_dataset(plan.datasets[0])
    packs = (*plan.packs, only_pack(packed, dataset))
    before = process.children(recursive=True), process.net_connections()
    with wall.standing():
        assert runner.check(plan.trials[0], dataset) is None
        items = [item for pack in packs for item in runner.run(pack, dataset)]
        # TensorFlow's AutoGraph compiles what it made of our functions from a file that is the user's alone.
        assert all("autograph" in path.name or path == TEMPORARY for path in wall.passed)
        weights = next(item for item in items if isinstance(item, tuple) and item)
        exported = runner.export(plan.trials[0], (6,), weights)
    outcomes = [item for item in items if isinstance(item, TrialOutcome)]
    assert [outcome.failure for outcome in outcomes] == [None] * 4
    assert exported.startswith(b"PK")
    # Where Python would look for what such a file was compiled to before, nobody can put anything.
    assert Path(cache_from_source(str(TEMPORARY / "generated.py"))).is_relative_to(os.devnull)
    # Keras makes a folder for a model's assets, and removes it.
    assert not [path for path in wall.passed if path.is_relative_to(TEMPORARY) and path != TEMPORARY and path.is_dir()]
    assert (process.children(recursive=True), process.net_connections()) == before


ACTS: dict[str, Callable[[], Any]] = {
    "write": lambda: Path("/var/written").write_text(""),
    "make": lambda: Path("/var/made").mkdir(),
    "start": lambda: subprocess.run(["true"], check=True),
    "reach": socket.socket,
}


@pytest.mark.parametrize("act", ACTS)
def test_the_wall_holds(wall: Wall, act: str) -> None:
    with wall.standing(), pytest.raises(PermissionError):
        ACTS[act]()


def test_keras_is_told_to_take_no_code_and_no_file_while_a_model_is_built(
    runner: PackRunner, make_points_plan: MakePlan, tmp_path: Path
) -> None:
    """A layer that would slip through the tables with a path is refused by Keras itself."""
    assert runner is not None
    words = tmp_path / "words.txt"
    words.write_text("one\ntwo\n")
    keras.layers.StringLookup(vocabulary=str(words))  # Keras reads it where nobody says otherwise.
    slipped = Named(table="layer", name="StringLookup", arguments={"vocabulary": str(words)})
    (trial,) = make_points_plan().trials
    assert LAYERS.left_out["StringLookup"]
    with pytest.raises(ValueError, match="safe_mode"):
        build_model(trial.spec.model_copy(update={"model": (slipped,)}), (1,), 0)
    assert build(slipped) is not None
