"""A kept cluster with real processes, real Ray and real kills; only training is fake. One cluster for most tests."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from seqjobs.data.data_source import DataSource
from seqjobs.errors import ClusterError, DataError
from seqjobs.execution.kept import cluster
from seqjobs.execution.kept.cluster import KeptStatus
from seqjobs.execution.kept.folder import KeptFolder
from seqjobs.execution.kept.leased import LeasedWorkers
from seqjobs.execution.ray_pool import RayPool
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.planning.resources import Resources
from seqjobs.results.run import Run
from tests.conftest import ROOT
from tests.fixtures.command_line import start
from tests.fixtures.fake_runner import FakeRunner, StartFake, trainings
from tests.fixtures.runs import moved_points

pytestmark = [pytest.mark.ray, pytest.mark.slow]

EPOCH_SECONDS = 0.1
FOUR = ("-S", "fit.batch_size={choice: [16, 24, 32, 48]}", "-S", "search.sampler=grid")
SLOW = ("-S", "fit.epochs=20")
# Long enough for another driver to start, or for this one to be killed, meanwhile.
SLOWER = ("-S", "fit.epochs=40")


@dataclass(frozen=True, kw_only=True)
class Home:
    """A user's folders, and the workers that take notes."""

    folder: Path
    notes: Path

    @property
    def start(self) -> StartFake:
        return StartFake(notes=self.notes, epoch_seconds=EPOCH_SECONDS)

    def submit(self, spec: Path, run: str, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.execution.kept.driver", str(spec), str(self.folder / "runs"), run]
        knobs = ["--notes", str(self.notes), "--epoch-seconds", str(EPOCH_SECONDS)]
        return start(*knobs, *more, folder=ROOT, command=command)

    def run(self, run: str) -> Run:
        return Run.open(self.folder / "runs" / run)


@contextlib.contextmanager
def home_at(folder: Path) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setenv("PYTHONPATH", str(ROOT))  # the keeper's workers import the fake runner
        yield Home(folder=folder, notes=folder / "notes")
        cluster.down(force=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """With two workers that are kept warm."""
    with home_at(tmp_path_factory.mktemp("home")) as made:
        cluster.up(workers=2, start=made.start)
        yield made


@pytest.fixture
def bare_home(tmp_path: Path) -> Iterator[Home]:
    """With nothing up."""
    with home_at(tmp_path) as made:
        yield made


@pytest.fixture
def spec(points: Path, tmp_path: Path) -> Path:
    return moved_points(points, tmp_path)


def standing() -> KeptStatus:
    found = cluster.status()
    assert found is not None
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rest() -> KeptStatus:
    """How the cluster stands once no run is at work on it and its workers are warm."""
    wait_until(lambda: standing().is_warm and not standing().runs)
    return standing()


def pids(status: KeptStatus) -> set[int | None]:
    return {worker.pid for worker in status.workers}


def trained_by(notes: Path) -> set[int]:
    return {int(line.split()[2]) for line in notes.read_text().splitlines()}


def lease(start: StartFake, demand: dict[Resources, int], told: list[str]) -> LeasedWorkers | None:
    return LeasedWorkers.lease(demand, None, start, told.append)


def test_a_cluster_that_is_up_says_so_and_nobody_else_may_look_into_its_folder(home: Home) -> None:
    before = rest()
    status, was_up = cluster.up(workers=2, start=home.start)
    assert was_up
    assert (status.pid, status.address, pids(status)) == (before.pid, before.address, pids(before))
    assert len(pids(status)) == 2
    folder = KeptFolder()
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.root.iterdir()}
    assert {"state.json", "token", "socket", "lock", "keeper.log"} == set(modes)
    assert set(modes.values()) == {0o600}
    assert folder.token.read_text() not in folder.state.read_text()
    # Ray's own folder stands in a private one too, and so do its sockets.
    (ray,) = [process for process in psutil.Process(status.pid).children() if process.name() == "raylet"]
    session = next(part.partition("=")[2] for part in ray.cmdline() if part.startswith("--session_dir="))
    assert any(stat.S_IMODE(parent.stat().st_mode) == 0o700 for parent in Path(session).parents)


def test_a_run_is_trained_by_the_workers_that_are_kept_and_leaves_them_warm(home: Home, spec: Path) -> None:
    before = rest()
    home.notes.unlink(missing_ok=True)
    driver = home.submit(spec, "kept", *FOUR)
    out, err = driver.communicate()
    assert (out, err) == ("finished\n", "")
    assert trained_by(home.notes) == pids(before)
    after = rest()
    assert (after.pid, pids(after)) == (before.pid, pids(before))


def test_a_file_that_a_warm_worker_dies_of_is_named_and_the_worker_is_replaced(home: Home, tmp_path: Path) -> None:
    before = rest()
    (tmp_path / "deep.jsonl").write_text('{"x": ' + "[" * 200_000 + "]" * 200_000 + ', "label": 0}\n')
    source = DataSource(id="deep", spec=DataSpec(train=("deep.jsonl",), target="label"), folder=tmp_path)
    died = r"deep\.jsonl: the process that was reading this file died.*\[E425\]"
    with RayPool({Resources(): 1}, start=home.start, use_kept=True) as pool, pytest.raises(DataError, match=died):
        pool.load([source])
    after = rest()
    assert len(pids(after)) == 2
    assert pids(after) != pids(before)


def test_two_runs_at_once_share_the_workers_and_a_third_gets_none(home: Home, spec: Path) -> None:
    rest()
    told: list[str] = []
    first = home.submit(spec, "one", "--workers", "1", *FOUR, *SLOWER)
    wait_until(lambda: len(standing().runs) == 1)
    second = home.submit(spec, "two", "--workers", "1", *FOUR, *SLOW)
    wait_until(lambda: {worker.run for worker in standing().workers} == {first.pid, second.pid})
    assert lease(home.start, {Resources(): 1}, told) is None
    assert "has no room" in told[0]
    for driver, run in ((first, "one"), (second, "two")):
        out, err = driver.communicate()
        assert (out, err) == ("finished\n", "")
        assert len(home.run(run).records) == 4


def test_a_killed_driver_leaves_nothing_at_work_and_its_run_goes_on_with_new_workers(home: Home, spec: Path) -> None:
    before = rest()
    home.notes.unlink(missing_ok=True)
    killed = home.submit(spec, "killed", *FOUR, *SLOWER)
    wait_until(lambda: home.notes.exists() and len(trainings(home.notes)) == 2)
    killed.kill()
    killed.communicate()
    after = rest()
    assert after.pid == before.pid
    assert not pids(after) & trained_by(home.notes)
    assert not any(psutil.pid_exists(pid) for pid in trained_by(home.notes))
    # What the driver had sent behind the first packs begins nowhere.
    assert len(trainings(home.notes)) == 2
    again = home.submit(spec, "killed", *FOUR, *SLOWER)
    out, err = again.communicate()
    assert (out, err) == ("finished\n", "")
    assert len(home.run("killed").records) == 4
    assert pids(after) <= trained_by(home.notes)


def test_a_cluster_of_another_environment_is_not_used(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    rest()
    told: list[str] = []
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert lease(home.start, {Resources(): 1}, told) is None
    assert "another version or environment" in told[0]
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    assert lease(StartFake(), {Resources(): 1}, told) is None
    leased = lease(home.start, {Resources(): 1}, told)
    assert leased is not None
    leased.close()
    assert len(told) == 2


def test_a_run_with_other_resources_has_workers_made_for_it_and_the_usual_ones_come_back(
    home: Home, spec: Path
) -> None:
    before = rest()
    home.notes.unlink(missing_ok=True)
    driver = home.submit(spec, "wide", "-S", "resources.cpus=2")
    out, err = driver.communicate()
    assert (out, err) == ("finished\n", "")
    assert not trained_by(home.notes) & pids(before)
    assert len(pids(rest())) == 2


@pytest.mark.skipif("CUDA_VISIBLE_DEVICES" in os.environ, reason="where there is a GPU, the usual workers have one")
def test_a_worker_without_a_gpu_is_the_usual_one_where_there_is_none(home: Home) -> None:
    """As an export asks for it."""
    before = rest()
    with RayPool({Resources(gpus=0): 1}, workers=1, start=home.start, use_kept=True) as pool:
        assert pool.describe().pid in pids(before)
    assert pids(rest()) == pids(before)


def test_a_cluster_of_another_version_is_renewed(bare_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    before, _ = cluster.up(workers=1, start=bare_home.start)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    after, was_up = cluster.up(workers=1, start=bare_home.start, notify=told.append)
    assert not was_up
    assert told[0] == "ending the cluster of another version or environment"
    assert after.pid != before.pid
    assert not psutil.pid_exists(before.pid)
    leased = lease(bare_home.start, {Resources(): 1}, [])
    assert leased is not None
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    with pytest.raises(ClusterError, match="E513"):
        cluster.up(workers=1, start=bare_home.start)
    leased.close()


def test_what_no_worker_here_can_have_is_left_to_a_cluster_of_its_own(home: Home) -> None:
    rest()
    told: list[str] = []
    assert lease(home.start, {Resources(cpus=999): 1}, told) is None
    assert told
    assert not standing().runs


@pytest.mark.parametrize("name", ["state.json", "token", "."])
def test_a_folder_that_others_can_look_into_is_refused(home: Home, name: str) -> None:
    path = KeptFolder().root / name
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(mode | 0o044)
    try:
        with pytest.raises(ClusterError, match=r"other users can access.*\[E512\]"):
            lease(home.start, {Resources(): 1}, [])
        with pytest.raises(ClusterError, match="E512"):
            cluster.up(start=home.start)
    finally:
        path.chmod(mode)
    assert rest()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_state_of_another_user_is_refused(home: Home) -> None:
    path = KeptFolder().state
    os.chown(path, 12345, -1)
    try:
        with pytest.raises(ClusterError, match=r"belongs to user 12345.*\[E512\]"):
            lease(home.start, {Resources(): 1}, [])
    finally:
        os.chown(path, os.geteuid(), -1)


def test_a_cluster_is_not_ended_under_a_run_unless_it_is_forced(home: Home, spec: Path) -> None:
    """Stands last of those that share the cluster: it ends it."""
    rest()
    everything = [*psutil.Process(standing().pid).children(recursive=True), psutil.Process(standing().pid)]
    driver = home.submit(spec, "ended", *FOUR, *SLOW)
    wait_until(lambda: bool(standing().runs))
    with pytest.raises(ClusterError, match=rf"process {driver.pid}.*\[E513\]"):
        cluster.down()
    assert driver.poll() is None
    assert cluster.down(force=True)
    driver.communicate()
    assert driver.returncode == -signal.SIGTERM
    assert not [process for process in everything if process.is_running()]
    assert {path.name for path in KeptFolder().root.iterdir()} == {"lock", "keeper.log"}
    assert not cluster.down()


def test_what_a_killed_keeper_leaves_is_cleared_away_and_a_run_on_it_is_told(bare_home: Home, spec: Path) -> None:
    status, was_up = cluster.up(workers=1, start=bare_home.start)
    assert not was_up
    below = psutil.Process(status.pid).children(recursive=True)
    driver = bare_home.submit(spec, "lost", *FOUR, *SLOW)
    wait_until(bare_home.notes.exists)
    os.kill(status.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(below, timeout=30)
    assert not alive
    _, err = driver.communicate()
    assert "the warm cluster was lost" in err
    assert "[E516]" in err
    assert KeptFolder().state.exists()
    assert lease(bare_home.start, {Resources(): 1}, []) is None
    assert not KeptFolder().state.exists()
    # One that is written down with the number of a process that lives, but began at another time.
    status, was_up = cluster.up(workers=1, start=bare_home.start)
    assert not was_up
    text = KeptFolder().state.read_text()
    os.kill(status.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(status.pid)], timeout=30)
    KeptFolder().state.write_text(text.replace(f'"pid": {status.pid}', f'"pid": {os.getpid()}'))
    assert cluster.status() is None
    assert not KeptFolder().token.exists()


def test_a_cluster_ends_by_itself_when_nobody_submits(bare_home: Home) -> None:
    status, _ = cluster.up(workers=1, start=bare_home.start, idle_seconds=1.0)
    below = psutil.Process(status.pid).children(recursive=True)
    wait_until(lambda: cluster.status() is None)
    _, alive = psutil.wait_procs([*below, psutil.Process(status.pid)], timeout=30)
    assert not alive
    assert {path.name for path in KeptFolder().root.iterdir()} == {"lock", "keeper.log"}


def test_workers_that_cannot_start_are_told_of(bare_home: Home) -> None:
    with pytest.raises(ClusterError, match=r"3 workers in a row died while they started.*\[E514\]"):
        cluster.up(workers=1, start=broken_start)
    assert cluster.status() is None
    assert bare_home.folder.exists()


def broken_start(cpus: int) -> FakeRunner:
    raise OSError(f"no runner with {cpus} CPUs")
