"""A part of a GPU: what is asked of CUDA's driver and told to TensorFlow. No GPU is here: both are stand-ins."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from seqjobs.errors import ClusterError
from seqjobs.training.gpu_memory import gpu_bytes, share_out

GIB = 1 << 30


class Driver:
    """Two GPUs, of 8 and of 24 GiB; must be initialized before it is asked."""

    def __init__(self, failing: str = "") -> None:
        self.failing = failing
        self.is_ready = False

    def cuInit(self, flags: Any) -> int:  # noqa: N802
        self.is_ready = flags.value == 0
        return 999 if self.failing == "cuInit" else 0

    def cuDeviceGet(self, device: Any, number: Any) -> int:  # noqa: N802
        ctypes.cast(device, ctypes.POINTER(ctypes.c_int))[0] = 40 + number.value
        return 0 if self.is_ready else 3

    def cuDeviceTotalMem_v2(self, total: Any, device: Any) -> int:  # noqa: N802
        ctypes.cast(total, ctypes.POINTER(ctypes.c_size_t))[0] = {40: 8, 41: 24}[device.value] * GIB
        return 0


def told_to_tensorflow(share: float, bytes_of: Any, gpus: tuple[str, ...] = ("GPU:0",)) -> dict[str, float]:
    limits: dict[str, float] = {}
    config = SimpleNamespace(
        LogicalDeviceConfiguration=lambda memory_limit: memory_limit,
        set_logical_device_configuration=lambda gpu, parts: limits.update({gpu: sum(parts)}),
    )
    share_out(config, gpus, share, bytes_of)
    return limits


def test_tensorflow_is_held_to_the_part_in_mebibytes() -> None:
    driver = Driver()
    found = told_to_tensorflow(0.3, lambda number: gpu_bytes(number, lambda _: driver), ("GPU:0", "GPU:1"))
    assert found == {"GPU:0": 2457, "GPU:1": 7372}


@pytest.mark.parametrize(
    ("library", "said"),
    [(lambda _: Driver(failing="cuInit"), "cuInit fails with error 999"),
     (lambda _: object(), "cuInit"),
     (lambda _: ctypes.CDLL("libcuda-that-is-not-there.so"), "libcuda-that-is-not-there")],
)  # fmt: skip
def test_a_driver_that_does_not_tell_is_an_error_that_says_so(library: Any, said: str) -> None:
    with pytest.raises(
        ClusterError, match=r"resources.gpus is 0.5, and the size of the GPU.s memory is unknown.*\[E523\]"
    ) as caught:
        told_to_tensorflow(0.5, lambda number: gpu_bytes(number, library))
    assert said in caught.value.what
    assert "gpus: 1" in caught.value.fix
