"""The Ray cluster of a run: an embedded local one, or one that is there already."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqjobs.errors import ClusterError
from seqjobs.storage import durable

# Ray reads these when it is imported: what a raylet wants to tell its driver belongs into our log, not onto a
# screen that shows something else or into a JSON document.
_QUIET = {"RAY_DEDUP_LOGS_SKIP_REGEX": ".*", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to `address`, or to a new local cluster for None; gives the cluster back on leaving.

    A local cluster asks a token of everyone, out of a file that only this user may read, since its servers listen
    on all interfaces. `RAY_ADDRESS` in the environment is not followed: a run never joins a cluster by accident.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment(_QUIET))
        if address is None:
            folder = Path(tempfile.mkdtemp(prefix="seqjobs-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            durable.create_once(folder / "token", secrets.token_hex(32).encode())
            token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
            stack.enter_context(_environment(token))
        import ray  # noqa: PLC0415 (a second of import, wanted only when a run starts)

        if ray.is_initialized():
            raise ClusterError("E510", "this process is connected to a Ray cluster already", fix="call ray.shutdown().")
        # Ray puts in a SIGTERM handler of its own, which prints a stack and leaves with 15.
        on_sigterm = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(
                address=address or "local",
                include_dashboard=False if address is None else None,
                logging_level="CRITICAL",
                log_to_driver=False,
                configure_logging=False,
            )
        except Exception as error:  # (Ray raises many kinds here, RuntimeError and ConnectionError among them)
            place = address or "a local cluster"
            raise ClusterError(
                "E508", f"Ray cannot be reached: {_first_line(error)}", where=place, fix="run `seqjobs doctor`."
            ) from error
        stack.callback(ray.shutdown)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)
        yield ray


def capacity(ray: Any) -> Mapping[str, float]:
    """CPUs and GPUs of the nodes that are alive."""
    resources = ray.cluster_resources()
    return {"CPU": resources.get("CPU", 0.0), "GPU": resources.get("GPU", 0.0)}


def node_is_alive(ray: Any, node_id: str) -> bool:
    return any(node["NodeID"] == node_id and node["Alive"] for node in ray.nodes())


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
