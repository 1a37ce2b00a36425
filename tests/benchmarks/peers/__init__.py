"""The peers: programs a person would otherwise use, each a module that trains trials and prints a Timing.

`python -m tests.benchmarks.peers.NAME FOLDER --trials N`, where FOLDER holds the rows of a workload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What is known of a peer without starting it. `module` is imported in a process of its own."""

    label: str
    module: str
    how: str
    needs: tuple[str, ...] = ()
    """Modules without which it is left out."""
    arguments: tuple[str, ...] = ()
    at_once: int = 1
    """How many trials it trains at a time."""
    slow: bool = False
    """Whether it is measured with the small trial alone, if not asked for by name."""
    small_alone: bool = False
    """Whether it is written for the small trial."""


_PACKAGE = "tests.benchmarks.peers"
_RAY_TUNE = ("pandas", "fsspec", "tensorboardX")

KERAS_LOOP = "keras-loop"
RAY_TUNE = "ray-tune"

PEERS: Mapping[str, Peer] = {
    KERAS_LOOP: Peer(
        label="keras loop",
        module=f"{_PACKAGE}.keras_loop",
        how="one process, Keras's defaults, default threads, clear_session between trials",
    ),
    "keras-tuned": Peer(
        label="keras loop, tuned",
        module=f"{_PACKAGE}.keras_tuned",
        how="the same with the best of a few steps_per_execution and jit_compile",
    ),
    "joblib": Peer(
        label="joblib",
        module=f"{_PACKAGE}.loky_processes",
        how="2 loky processes of 1 thread, TensorFlow imported and one trial trained before",
        needs=("joblib",),
        at_once=2,
    ),
    "sklearn": Peer(
        label="scikit-learn",
        module=f"{_PACKAGE}.sklearn_classifier",
        how="MLPClassifier in one process, validated once in the end",
        needs=("sklearn",),
        small_alone=True,
    ),
    "torch-vmap": Peer(
        label="PyTorch, torch.func",
        module=f"{_PACKAGE}.torch_vmap",
        how="vmap over functional steps, one process, default threads",
        needs=("torch",),
        small_alone=True,
    ),
    "jax-scan": Peer(
        label="JAX, written by hand",
        module=f"{_PACKAGE}.jax_scan",
        how="jit of vmap of scan over epochs and batches, one process, default threads",
        needs=("jax",),
        small_alone=True,
    ),
    "keras-tuner": Peer(
        label="KerasTuner",
        module=f"{_PACKAGE}.random_search",
        how="RandomSearch in one process, default threads",
        needs=("keras_tuner", "tensorboard"),
        slow=True,
    ),
    "ray-tune-reuse": Peer(
        label="Ray Tune, reuse_actors",
        module=f"{_PACKAGE}.tuner",
        how="2 actors at a time that are kept, reset_config; a trial is one step",
        needs=_RAY_TUNE,
        at_once=2,
        arguments=("--reuse-actors",),
        slow=True,
    ),
    RAY_TUNE: Peer(
        label="Ray Tune",
        module=f"{_PACKAGE}.tuner",
        how="2 trials at a time, an actor each; a trial is one step",
        needs=_RAY_TUNE,
        at_once=2,
        slow=True,
    ),
}
