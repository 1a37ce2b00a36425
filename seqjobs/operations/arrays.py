"""The arrays that operations work on; NumPy and Arrow are imported once there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from seqjobs.operations.lazy_module import lazy_module

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    import pyarrow.compute as pc

    Array: TypeAlias = npt.NDArray[Any]
    Values: TypeAlias = pa.Array | Array
else:
    np = lazy_module("numpy")
    pa = lazy_module("pyarrow")
    pc = lazy_module("pyarrow.compute")
    Array = Values = Any


def rows_with(mask: Array) -> Array:
    """Return which rows of a mask (rows, width) have a true value."""
    return np.asarray(mask.any(axis=1))


__all__ = ["Array", "Values", "np", "pa", "pc", "rows_with"]
