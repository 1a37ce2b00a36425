"""FreeNumber: a hyperparameter that a compiled program takes as an input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, final

import tensorflow as tf

_Operation = Callable[[Any, Any], Any]


@final
class FreeNumber:
    """Stands where Keras has a Python number: in an optimizer, a schedule, a layer or a regularizer.

    It computes as Python's numbers do, in float64 until it meets a tensor, so that `1 - beta` has the bits that Keras
    gives it. Branches, as `if self.momentum != 0`, look at `usual`, the number of one trial: which way they go must be
    the same for all trials of the program.

    `value` is a float64 scalar, a tensor or a variable.
    """

    dtype = "float32"
    """As which Keras's operations take it."""

    def __init__(self, usual: float, value: Any = None) -> None:
        self._usual = usual
        self._value = value

    @contextmanager
    def standing_for(self, value: Any) -> Iterator[None]:
        """Has it be `value`, a float64 scalar tensor, while a graph is traced."""
        before, self._value = self._value, value
        try:
            yield
        finally:
            self._value = before

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        value = self._usual if self._value is None else self._value
        return tf.cast(value, dtype or tf.float32, name=name)

    def __bool__(self) -> bool:
        return bool(self._usual)

    def __float__(self) -> float:
        raise TypeError("the trials of a program have different numbers here")

    def __eq__(self, other: object) -> bool:
        return bool(self._usual == other)

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: float) -> bool:
        return self._usual < other

    def __le__(self, other: float) -> bool:
        return self._usual <= other

    def __gt__(self, other: float) -> bool:
        return self._usual > other

    def __ge__(self, other: float) -> bool:
        return self._usual >= other

    def __neg__(self) -> Any:
        return self._with(0.0, lambda own, zero: zero - own)

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda own, other: own + other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda own, other: own - other)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda own, other: other - own)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda own, other: own * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda own, other: own / other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda own, other: other / own)

    def __pow__(self, other: Any) -> Any:
        return self._with(other, lambda own, other: own**other)

    def __rpow__(self, other: Any) -> Any:
        return self._with(other, lambda own, other: other**own)

    def _with(self, other: Any, operation: _Operation) -> Any:
        if isinstance(other, int | float):
            value = None if self._value is None else operation(self._value, tf.constant(other, tf.float64))
            return FreeNumber(operation(self._usual, other), value)
        if isinstance(other, FreeNumber):
            known = self._value is not None and other._value is not None
            value = operation(self._value, other._value) if known else None
            return FreeNumber(operation(self._usual, other._usual), value)
        other = tf.convert_to_tensor(other)
        return operation(self.__tf_tensor__(other.dtype), other)


@contextmanager
def standing_for(numbers: Sequence[FreeNumber], values: Sequence[Any]) -> Iterator[None]:
    """Has each number be its value, see `FreeNumber.standing_for`."""
    with ExitStack() as stack:
        for number, value in zip(numbers, values, strict=True):
            stack.enter_context(number.standing_for(value))
        yield
