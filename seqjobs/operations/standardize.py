"""standardize: subtract the mean and divide by the standard deviation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.operations._base import Layer, Learner, Note, Operation, numbers
from seqjobs.operations.arrays import Values, np
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.moments import Moments
from seqjobs.operations.takes import NUMBERS
from seqjobs.tables._base import Entry

# keras.layers.Normalization takes a smaller deviation for this one, and holds variances as float32.
_LEAST_DEVIATION, _LARGEST_DEVIATION = 1e-7, 1e19


@final
@dataclass(frozen=True, kw_only=True)
class Standardize(Operation):
    """As keras.layers.Normalization, except for a constant column, which becomes 0.

    Normalization divides such a column by 1e-7, so that the first value that differs from the training rows becomes
    millions; scikit-learn's StandardScaler divides by 1, and so does this.
    """

    entry = Entry(
        "standardize",
        "Subtract the mean of the training rows and divide by their standard deviation. A constant column becomes 0.",
    )
    takes = NUMBERS

    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None
    """1 where a column is constant."""

    @property
    def refuses_infinite(self) -> bool:
        return True

    def makes(self, given: ColumnType) -> ColumnType:
        return replace(NUMBER, shape=given.shape)

    def learner(self) -> Learner | None:
        return _Learner() if self.mean is None else None

    def apply(self, values: Values, _note: Note) -> Values:
        return (numbers(values) - np.array(self.mean)) / np.array(self.deviation)

    def not_exportable(self, given: ColumnType) -> str:  # noqa: ARG002
        for deviation in self.deviation or ():
            if not _LEAST_DEVIATION <= deviation <= _LARGEST_DEVIATION:
                bounds = f"from {_LEAST_DEVIATION:g} to {_LARGEST_DEVIATION:g}"
                layer = f"keras.layers.Normalization takes those {bounds}; put a `rescale` before it"
                return f"its standard deviation is {deviation:.3g}, and {layer}"
        return ""

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        # A file holds the layer's numbers as float32, in which the mean of years loses its days: the rest of the mean
        # is subtracted before.
        mean = np.array(self.mean, np.float32)
        rest = keras.layers.Rescaling(np.ones(len(mean)), offset=mean - np.array(self.mean), dtype="float64")
        normalize = keras.layers.Normalization(
            mean=mean.tolist(), variance=np.square(np.array(self.deviation)).tolist(), dtype="float64"
        )
        return lambda column: normalize(rest(column))


@final
class _Learner(Learner):
    def __init__(self) -> None:
        self._moments = Moments()

    @property
    def num_bytes(self) -> int:
        return self._moments.num_bytes

    def add(self, values: Values) -> None:
        self._moments.add(numbers(values))

    def end_part(self) -> None:
        self._moments.end_part()

    def finish(self) -> Standardize | None:
        if not self._moments.finish():
            return None
        mean, deviation = self._moments.mean, self._moments.deviation
        # The deviation of a constant column is the rounding of its mean, so it is compared with that.
        is_constant = deviation <= np.abs(mean) * (10 * np.finfo(np.float64).eps)
        deviation = np.where(is_constant, 1.0, deviation)
        return Standardize(mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist()))
