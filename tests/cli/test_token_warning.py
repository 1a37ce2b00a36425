"""Commands on a cluster of the user's own: a cluster that asks for no token is warned of."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.runs import moved_points

pytestmark = [pytest.mark.ray, pytest.mark.slow]

# A head with one CPU, until the input ends.
HEAD = """
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
WARNING = "warning: the cluster at {address} asks for no token: anyone who reaches it can run code on it"


@contextmanager
def cluster(environment: Mapping[str, str]) -> Iterator[str]:
    """Start a cluster and give its address."""
    head = subprocess.Popen(
        [sys.executable, "-c", HEAD], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert head.stdout is not None
    try:
        yield head.stdout.readline().strip()
    finally:
        head.communicate()


def environment_with(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_")}
    return {**kept, **variables}


def warnings_of(environment: Mapping[str, str], *arguments: str) -> list[str]:
    """Return the warnings of a command that ends well, each up to its cluster's address and what that means."""
    command = [sys.executable, "-m", "seqjobs.cli.main", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line[line.index("warning: ") :] for line in done.stderr.splitlines() if "warning: " in line]


def test_a_cluster_that_asks_for_no_token_is_warned_of_once_a_command(points: Path, tmp_path: Path) -> None:
    environment = environment_with(RAY_AUTH_MODE="disabled")
    spec, runs = moved_points(points, tmp_path), str(tmp_path / "runs")
    with cluster(environment) as address:
        options = ("--runs-dir", runs, "--address", address)
        (warning,) = warnings_of(environment, "submit", str(spec), "--run", "first", *options)
        assert warning.startswith(WARNING.format(address=address))
        rows, predictions = str(tmp_path / "test.parquet"), str(tmp_path / "predictions.csv")
        (warning,) = warnings_of(environment, "predict", "first", rows, "--out", predictions, *options)
        assert warning.startswith(WARNING.format(address=address))


def test_a_cluster_that_asks_for_a_token_is_not_warned_of(points: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    environment = environment_with(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token))
    spec, runs = moved_points(points, tmp_path), str(tmp_path / "runs")
    with cluster(environment) as address:
        options = ("--runs-dir", runs, "--address", address)
        assert warnings_of(environment, "submit", str(spec), *options) == []
