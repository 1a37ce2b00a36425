"""The devices of a worker, and the strategy over them."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from seqjobs.training import gpu_memory
from seqjobs.training.span import Span


def prepare(cpus: int, gpu_share: float | None = None) -> tuple[str, ...]:
    """Gives TensorFlow as many threads as the worker has CPUs, and lets GPU memory grow or gives it a part of that;
    must come before any op.

    Returns the names of the devices. More threads than CPUs make workers fight: two workers with one thread
    each beat one with two.
    """
    tf.config.threading.set_intra_op_parallelism_threads(cpus)
    tf.config.threading.set_inter_op_parallelism_threads(cpus)
    physical = tf.config.list_physical_devices("GPU")
    if gpu_share is not None:
        gpu_memory.share_out(tf.config, physical, gpu_share)
    for gpu in physical if gpu_share is None else ():
        tf.config.experimental.set_memory_growth(gpu, True)
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    # The same numbers every time: ops without a deterministic form raise instead of varying.
    tf.config.experimental.enable_op_determinism()
    return tuple(device.name for device in physical) or (f"{cpus} CPU" if cpus == 1 else f"{cpus} CPUs",)


# With one of these TensorFlow takes oneDNN's kernels if it is not told otherwise (tensorflow/core/util/util.cc).
_CPUS_OF_ONEDNN = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}


def has_onednn() -> bool:
    """Whether TensorFlow's graph uses oneDNN on this machine, as Linux describes its CPU."""
    told = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    if told is not None:
        return told.lower() in ("1", "true")
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return not _CPUS_OF_ONEDNN.isdisjoint(described.split())


def gpus() -> tuple[str, ...]:
    """The GPUs that this worker was given."""
    return tuple(device.name for device in tf.config.list_logical_devices("GPU"))


def spanning(span: Span) -> Any:
    """MultiWorkerMirroredStrategy over the devices of all processes; waits until each of them has come to this call.

    Once a process and before any operation, since TensorFlow starts a server for it: that listens on all addresses of
    the machine, and asks nobody who he is.
    """
    task = {"type": "worker", "index": span.index}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": span.addresses}, "task": task})
    return tf.distribute.MultiWorkerMirroredStrategy()


# Each strategy numbers its sums over devices from 100 on, and one number stands for one shape in all of the process: a
# second strategy over the same devices fails with "Shape mismatch in the collective instance 100".
@cache
def strategy(devices: tuple[str, ...]) -> Any:
    """MirroredStrategy over several devices; the default one, which uses the only GPU or the CPU, for fewer."""
    return tf.distribute.MirroredStrategy(list(devices)) if len(devices) > 1 else tf.distribute.get_strategy()
