"""The Ray cluster of a run: an embedded local one, or one that is there already."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from seqjobs.errors import ClusterError
from seqjobs.errors.redaction import redacted
from seqjobs.execution import bare_ray, import_path
from seqjobs.execution.address_limit import check_address_limit
from seqjobs.execution.private_folder import RAY, private_folder
from seqjobs.execution.thread_limit import check_thread_limit
from seqjobs.store import durable

NAMESPACE = "seqjobs"
ANSWER_SECONDS = 2.0

# Ray reads these when it is imported: what a raylet wants to tell its driver belongs into our log, not onto a
# screen that shows something else or into a JSON document.
_QUIET = {"RAY_DEDUP_LOGS_SKIP_REGEX": ".*", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@contextlib.contextmanager
def connected(address: str | None, *, token: Path | None = None) -> Iterator[Any]:
    """Ray, connected to `address`, or to a new local cluster for None; gives the cluster back on leaving.

    A local cluster asks a token of everyone, out of a file that only this user may read, since its servers listen
    on all interfaces; `token` is that file, made anew where it is None. `RAY_ADDRESS` in the environment is not
    followed: a run never joins a cluster by accident. Raises ClusterError E508, E510, E521, E522, E530.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment(_QUIET))
        folder = None
        if address is None:
            check_thread_limit()
            check_address_limit()
            folder = stack.enter_context(private_folder())
            if token is None:
                token = folder / "token"
                create_token(token)
            stack.enter_context(_environment({**bare_ray.ENVIRONMENT, "RAY_USAGE_STATS_ENABLED": "0"}))
        if token is not None:
            stack.enter_context(_environment({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}))
        import ray  # noqa: PLC0415 (a third of a second, wanted only when a run starts)

        if ray.is_initialized():
            raise ClusterError("E510", "this process is connected to a Ray cluster already", fix="call ray.shutdown().")
        _look_at_environment_again()
        stack.callback(ray.shutdown)
        with _same_sigterm():
            if folder is not None:
                with _environment(import_path.worker_environment()):
                    _start(ray, folder)
            else:
                _reach(ray, str(address), address=address, namespace=NAMESPACE if token is not None else None)
        yield ray


def create_token(path: Path) -> None:
    """A new secret. Raises FileExistsError."""
    durable.create_once(path, secrets.token_hex(32).encode())


def capacity(ray: Any, without: Collection[str] = ()) -> Mapping[str, float]:
    """CPUs, GPUs and bytes of memory of the nodes that are alive, but for those of these ids."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"] and node["NodeID"] not in without]
    return {name: sum(node.get(name, 0.0) for node in nodes) for name in ("CPU", "GPU", "memory")}


def node_is_alive(ray: Any, node_id: str, *, ask: bool) -> bool:
    """What the cluster's head says; it may take half a minute to notice, so with `ask` its raylet must answer too."""
    found = [node for node in ray.nodes() if node["NodeID"] == node_id and node["Alive"]]
    return bool(found) and (not ask or _answers(found[0]["NodeManagerAddress"], found[0]["NodeManagerPort"]))


def place_of(ray: Any, actor: Any) -> tuple[int, str]:
    """The process of an actor, 0 where the cluster has given it none yet, and the id of its node.

    The state of both is PENDING_CREATION until its constructor returns, so that tells nothing of it.
    """
    found = ray._private.state.actors(actor._actor_id.hex())
    return found.get("Pid", 0), found.get("Address", {}).get("NodeID", "")


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def _start(ray: Any, folder: Path) -> None:
    """A cluster of this machine. Ray lets every user write to its folder and sockets, so it stands in a private one."""
    options = {"namespace": NAMESPACE, "_temp_dir": str(folder / RAY), "_skip_env_hook": True}
    if bare_ray.is_possible(ray):
        with bare_ray.bare_start(), contextlib.suppress(ClusterError):
            _reach(ray, "a local cluster", address="local", include_dashboard=False, **options)
            return
        ray.shutdown()
    _reach(ray, "a local cluster", address="local", include_dashboard=False, **options)


def _look_at_environment_again() -> None:
    """Ray reads once a process that there is a token, and which: it may have been imported without, or with another."""
    raylet: Any = import_module("ray._raylet")
    if hasattr(raylet, "Config") and hasattr(raylet, "AuthenticationTokenLoader"):
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


def _reach(ray: Any, place: str, **options: Any) -> None:
    if "://" not in options["address"]:  # there the driver is a process of the cluster
        options["job_config"] = _job_without_folders(ray)
    try:
        ray.init(logging_level="CRITICAL", log_to_driver=False, configure_logging=False, **options)
    except Exception as error:  # (Ray raises many kinds here, RuntimeError and ConnectionError among them)
        raise ClusterError(
            "E508",
            f"Ray cannot be reached: {redacted(_first_line(error))}",
            where=redacted(place),
            fix="run `seqjobs doctor`.",
        ) from error


def _job_without_folders(ray: Any) -> Any:
    """Return a configuration of the driver's job by which its workers get none of its folders.

    Ray makes workers import from the driver's current folder and the folder of its script, and has no option against
    it: `ray/_private/worker.py`, where it extends `_py_driver_sys_path`, shortly before it serializes this object.
    """

    class JobWithoutFolders(ray.job_config.JobConfig):  # type: ignore[misc]
        def _serialize(self) -> Any:
            self._py_driver_sys_path: list[str] = []
            return super()._serialize()

    return JobWithoutFolders()


@contextlib.contextmanager
def _same_sigterm() -> Iterator[None]:
    """Ray puts in a SIGTERM handler of its own, which prints a stack and leaves with 15; this puts ours back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
