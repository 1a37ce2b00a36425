"""The local cluster of a run: what of Ray is started, who may look at it, and what is left of it."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from seqjobs.execution import bare_ray, ray_cluster
from seqjobs.execution.private_folder import private_folder

pytestmark = [pytest.mark.ray, pytest.mark.slow]

AGENTS = ("dashboard", "monitor.py", "log_monitor.py", "runtime_env/agent")


def below() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def agents() -> list[str]:
    """The commands of what Ray has started beside the raylet, which names them in its own."""
    found = []
    for process in below():
        with suppress(psutil.Error):  # one that has just ended
            command = " ".join(process.cmdline())
            if process.name() != "raylet" and any(agent in command for agent in AGENTS):
                found.append(command)
    return found


def name_of(process: psutil.Process) -> str:
    """Empty of one that has just ended."""
    with suppress(psutil.Error):
        return str(process.name())
    return ""


def listening_at(process: psutil.Process) -> list[Any]:
    with suppress(psutil.Error):
        return [found for found in process.net_connections("tcp") if found.status == psutil.CONN_LISTEN]
    return []


def answer_of_a_worker(ray: Any) -> int:
    class Worker:
        def answer(self) -> int:
            return 42

    actor = ray.remote(Worker).options(num_cpus=1).remote()
    found: int = ray.get(actor.answer.remote())
    return found


def test_a_local_cluster_has_no_process_and_no_open_port_but_those_it_needs() -> None:
    others = set(below())  # which other tests have started, and use still
    ports = {connection.laddr for connection in listening_at(psutil.Process())}
    with ray_cluster.connected(None) as ray:
        assert bare_ray.is_possible(ray)
        assert answer_of_a_worker(ray) == 42
        started = [process for process in below() if process not in others]
        names = [name_of(process) for process in started]
        assert {"gcs_server", "raylet"} <= set(names)
        assert not agents()
        workers = [name for name in names if name.startswith("ray::")]
        assert workers
        # One server each of the driver, the GCS and the workers, and two of the raylet.
        listening = [connection for process in (psutil.Process(), *started) for connection in listening_at(process)]
        assert len([connection for connection in listening if connection.laddr not in ports]) <= 4 + len(workers)
    _, alive = psutil.wait_procs(started, timeout=60)
    assert not alive


def test_nobody_else_may_enter_the_folder_of_a_local_cluster_and_nothing_is_left_of_it(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As long as a socket's path may be, and then some: Ray would refuse to start there.
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("a-long-name-" * 10)))
    with ray_cluster.connected(None) as ray:
        session = Path(ray._private.worker._global_node.get_session_dir_path())
        token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
        assert token.parent == session.parent.parent
        assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert not token.parent.exists()


def test_one_process_may_have_a_cluster_after_another_each_with_a_token_of_its_own() -> None:
    tokens = set()
    for _ in range(2):
        with ray_cluster.connected(None) as ray:
            tokens.add(Path(os.environ["RAY_AUTH_TOKEN_PATH"]).read_text())
            assert ray.cluster_resources()["CPU"] >= 1
    assert len(tokens) == 2


def test_ray_may_have_been_imported_before_without_a_token(tmp_path: Path) -> None:
    code = (
        "import ray\nfrom seqjobs.execution import ray_cluster\n"
        "with ray_cluster.connected(None) as connected: print(connected.cluster_resources()['CPU'])"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) >= 1


def test_a_ray_that_does_not_start_bare_starts_as_it_always_did(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def failing() -> Iterator[None]:
        with bare_ray._replaced(sys.modules["ray._private.services"], "start_ray_process", _refuse):
            yield

    monkeypatch.setattr(bare_ray, "bare_start", failing)
    with ray_cluster.connected(None) as ray:
        assert agents()
        assert answer_of_a_worker(ray) == 42


def _refuse(*_arguments: Any, **_options: Any) -> None:
    raise OSError("this Ray has changed")


def test_the_ways_round_are_taken_for_known_versions_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray  # noqa: PLC0415

    monkeypatch.setattr(ray, "__version__", "9.0.0")
    assert not bare_ray.is_possible(ray)


def test_a_killed_driver_takes_its_cluster_along_and_its_folder_is_removed_by_the_next(tmp_path: Path) -> None:
    code = "from seqjobs.execution import ray_cluster; import time\nwith ray_cluster.connected(None): time.sleep(600)"
    environment = {**os.environ, "TMPDIR": "/tmp"}
    driver = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=tmp_path)
    wait_until(lambda: any(child.name() == "raylet" for child in psutil.Process(driver.pid).children()))
    started = psutil.Process(driver.pid).children(recursive=True)
    (folder,) = {
        Path(open_file.path).parent
        for open_file in psutil.Process(driver.pid).open_files()
        if Path(open_file.path).name == "lock"
    }
    driver.kill()
    driver.wait()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert not alive
    assert folder.exists()
    with private_folder() as other:
        assert folder.exists(), "it is young, and may be one that is being made"
        assert other != folder
    os.utime(folder, (0, 0))
    with private_folder():
        assert not folder.exists()


def test_what_a_late_worker_leaves_is_removed_by_the_next_start(tmp_path: Path) -> None:
    """A worker whose raylet is killed while it starts makes Ray's folders, also after their owner has removed them."""
    with ray_cluster.connected(None) as ray:
        folder = Path(os.environ["RAY_AUTH_TOKEN_PATH"]).parent
        (node,) = ray.nodes()
        (raylet,) = [process for process in psutil.Process().children() if process.name() == "raylet"]
        option = "--python_worker_command="
        (command,) = [part.removeprefix(option) for part in raylet.cmdline() if part.startswith(option)]
        environment = raylet.environ()
    assert not folder.exists()
    # As the raylet starts it, which fills in the places of its command.
    python, _, program, *options = shlex.split(command)
    options = [part.replace("RAY_NODE_MANAGER_PORT_PLACEHOLDER", str(node["NodeManagerPort"])) for part in options]
    options.remove("RAY_WORKER_DYNAMIC_OPTION_PLACEHOLDER")
    options += [f"--node-id={node['NodeID']}", f"--worker-id={'ab' * 28}", "--worker-launch-time-ms=0"]
    with (tmp_path / "errors").open("w+") as errors:
        late = subprocess.Popen([python, program, *options], env=environment, stderr=errors)
        wait_until(lambda: folder.exists() or late.poll() is not None)
        late.kill()
        late.wait()
        assert folder.exists(), (tmp_path / "errors").read_text()
    with private_folder():
        assert folder.exists(), "it is young, and may be one that is being made"
    os.utime(folder, (0, 0))
    with private_folder():
        assert not folder.exists()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
