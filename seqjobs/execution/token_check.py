"""answers_anyone: find out whether a Ray cluster asks for a token."""

from __future__ import annotations

from importlib import import_module
from typing import Any

ANSWER_SECONDS = 5.0


def answers_anyone(ray: Any, address: str) -> bool:
    """Return whether a cluster that `ray` is connected to answers a request without a token.

    The request asks for nothing. A cluster that cannot be asked, as one behind TLS, counts as one that does not answer.
    """
    scheme, _, place = address.rpartition("://")
    method = "/ray.rpc.RayletDriver/ClusterInfo"
    if not scheme:
        place, method = ray.get_runtime_context().gcs_address, "/ray.rpc.NodeInfoGcsService/CheckAlive"
    # A dependency of `ray[default]`.
    grpc: Any = import_module("grpc")
    with grpc.insecure_channel(place, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary(method)(b"", timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            # Ray Client's own answer to a request without the ID of a client. It looks for a token first.
            return bool(error.code() is grpc.StatusCode.NOT_FOUND)
    return True
