"""share_out: a part of a GPU's memory for this process, so that others can have the rest. Imports no TensorFlow."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from seqjobs.errors import ClusterError

MEBIBYTE = 1 << 20
# The driver's own library, which is there wherever TensorFlow finds a GPU of NVIDIA's.
_LIBRARY = "libcuda.so.1"

BytesOf = Callable[[int], int]
"""The memory of the GPU of that number, as this process counts them."""


def gpu_bytes(number: int, load: Callable[[str], Any] = ctypes.CDLL) -> int:
    """All memory of a GPU, which nothing is taken up of by asking: no context is made.

    Of cuInit, cuDeviceGet and cuDeviceTotalMem (CUDA driver API), which number GPUs as TensorFlow does, by
    CUDA_VISIBLE_DEVICES; NVML numbers those of the machine. Raises OSError where the driver does not tell.
    """
    cuda = load(_LIBRARY)
    device, total = ctypes.c_int(), ctypes.c_size_t()
    calls = {
        "cuInit": (ctypes.c_uint(0),),
        "cuDeviceGet": (ctypes.byref(device), ctypes.c_int(number)),
        "cuDeviceTotalMem_v2": (ctypes.byref(total), device),
    }
    for name, arguments in calls.items():
        error = getattr(cuda, name)(*arguments)
        if error:
            raise OSError(f"{name} fails with error {error}")
    return total.value


def share_out(config: Any, gpus: Sequence[Any], share: float, bytes_of: BytesOf = gpu_bytes) -> None:
    """Limits TensorFlow's memory on each of the GPUs to `share` of all that it has; `config` is `tf.config`.

    Must come before any op. CUDA's own context is beside it. Raises ClusterError (E506) where the driver does not tell
    how much memory there is.
    """
    for number, gpu in enumerate(gpus):
        try:
            mebibytes = int(bytes_of(number) * share) // MEBIBYTE
        except (OSError, AttributeError) as error:  # the latter for a library without such a function
            what = f"resources.gpus is {share:g}, and the size of the GPU's memory is unknown: {error}"
            raise ClusterError("E523", what, fix="write `gpus: 1`, which works for any size.") from error
        # Growth cannot be asked for beside a limit: TensorFlow takes all of its part at once.
        config.set_logical_device_configuration(gpu, [config.LogicalDeviceConfiguration(memory_limit=mebibytes)])
