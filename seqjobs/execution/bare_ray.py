"""bare_start: a local Ray without the processes that only a shared cluster needs.

`ray.init` starts a server for the dashboard (also where there is none), a monitor for autoscaling, one that forwards
logs, and with the raylet an agent for metrics and one that builds environments. A run on one machine needs none of
them: together they are six imports of half of Ray, which `ray.init` waits for, and a dozen more open ports. Ray has no
option for this, so its own functions are replaced while it starts; only in the versions this was tested with.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

TESTED = ("2.60.",)

ENVIRONMENT = {
    # The first driver would wait until as many workers have started as there are CPUs: they start with their actors.
    "RAY_prestart_worker_first_driver": "0",
    # Whoever is a moment too early for a socket of the raylet, its own parts among them, tries again a second later.
    "RAY_raylet_client_connect_timeout_milliseconds": "20",
    "RAY_raylet_client_num_connect_attempts": "500",
    # A process that stands where an agent would sees by the end of its input that the raylet is gone.
    "RAY_enable_pipe_based_agent_to_parent_health_check": "1",
}
"""What the raylet must find in its environment."""

# What an agent writes of itself when it offers no service: `ray/dashboard/agent.py`, where it is `minimal`.
_NOT_IN_USE = -1
# Asked only for an environment of a job, task or actor, and none has one. The raylet takes no -1 here.
_NEVER_CALLED = 1
_PORTS = {
    "metrics_agent_port": _NOT_IN_USE,
    "metrics_export_port": _NOT_IN_USE,
    "dashboard_agent_listen_port": _NOT_IN_USE,
    "runtime_env_agent_port": _NEVER_CALLED,
}
_AGENTS = ("--dashboard_agent_command=", "--runtime_env_agent_command=")
_RAYLET_SECONDS = 10.0
_LEFT_OUT = ("start_api_server", "start_monitor", "start_log_monitor")


def is_possible(ray: Any) -> bool:
    """Whether this Ray is one whose start is known in detail. SEQJOBS_PLAIN_RAY=1 says no, to find a fault."""
    known = str(ray.__version__).startswith(TESTED) and shutil.which("cat") is not None
    return known and os.environ.get("SEQJOBS_PLAIN_RAY", "") in ("", "0")


@contextlib.contextmanager
def bare_start() -> Iterator[None]:
    """Within it `ray.init(address="local")` starts the GCS and a raylet, and nothing else."""
    from ray._private import node, ray_constants, services  # noqa: PLC0415 (Ray is imported only when a run starts)

    start, get_node = services.start_ray_process, services.get_node

    def get_node_soon(address: str, node_id: str) -> Any:
        _wait_for_raylet(address, node_id)
        return get_node(address, node_id)

    def start_bare(command: Sequence[str], process_type: str, *arguments: Any, **options: Any) -> Any:
        if process_type == "raylet":
            _announce_no_agents(command)
            command = [_without_agent(part) for part in command]
        return start(command, process_type, *arguments, **options)

    with contextlib.ExitStack() as stack:
        stack.enter_context(_replaced(services, "start_ray_process", start_bare))
        stack.enter_context(_replaced(services, "get_node", get_node_soon))
        # Nothing could build the environment that Ray asks for under `uv run`; workers have the driver's anyway.
        stack.enter_context(_replaced(ray_constants, "RAY_ENABLE_UV_RUN_RUNTIME_ENV", False))
        for name in _LEFT_OUT:
            stack.enter_context(_replaced(node.Node, name, _nothing))
        yield


def _wait_for_raylet(address: str, node_id: str) -> None:
    """Ray itself looks once, and where the raylet is a moment late, a second later again."""
    raylet: Any = import_module("ray._raylet")
    client, deadline = raylet.GcsClient(address=address), time.monotonic() + _RAYLET_SECONDS
    while node_id not in {node.hex() for node in client.get_all_node_info()} and time.monotonic() < deadline:
        time.sleep(0.01)


def _without_agent(part: str) -> str:
    """The raylet insists on its agents and ends when one does: `cat` lives until its input, the raylet's pipe, ends."""
    return next((f"{option}cat" for option in _AGENTS if part.startswith(option)), part)


def _announce_no_agents(command: Sequence[str]) -> None:
    """Puts down where the raylet looks for them the ports that its agents would have found for themselves."""
    options = _options(command)
    for name, port in _PORTS.items():
        Path(options["session_dir"], f"{name}_{options['node_id']}").write_text(str(port))


def _options(command: Sequence[str]) -> Mapping[str, str]:
    pairs = (part.removeprefix("--").partition("=") for part in command if part.startswith("--"))
    return {name: value for name, _, value in pairs}


def _nothing(*_arguments: Any, **_options: Any) -> None: ...


@contextlib.contextmanager
def _replaced(owner: ModuleType | type, name: str, stand_in: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, original)
