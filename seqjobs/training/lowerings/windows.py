"""Window: how a kernel or a pool lies on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window of `size` positions, `dilation` apart, laid on an axis of `length` at every `stride`.

    `before` and `after` positions of padding stand around the axis; `count` windows fit.
    """

    length: int
    size: int
    stride: int
    dilation: int
    before: int
    after: int
    count: int

    @classmethod
    def on(cls, length: int, size: int, *, stride: int, dilation: int, padding: str) -> Window:
        """The window as TensorFlow lays it for the padding `valid` or `same`, which puts the odd position behind."""
        reach = (size - 1) * dilation + 1
        if padding == "valid":
            total, count = 0, (length - reach) // stride + 1
        else:
            count = -(-length // stride)
            total = max((count - 1) * stride + reach - length, 0)
        before = total // 2
        return cls(
            length=length,
            size=size,
            stride=stride,
            dilation=dilation,
            before=before,
            after=total - before,
            count=count,
        )

    def positions(self, tap: int) -> slice:
        """Where in the padded axis the position `tap` of every window lies: `count` places."""
        start = tap * self.dilation
        return slice(start, start + (self.count - 1) * self.stride + 1, self.stride)

    @property
    def first_step(self) -> int:
        """Which multiple of the stride, counted in the padded axis, is the last before the axis itself begins."""
        return self.before // self.stride

    @property
    def num_steps(self) -> int:
        """How many strides from `first_step` cover the axis."""
        return -(-(self.before + self.length) // self.stride) - self.first_step

    @property
    def tiles(self) -> bool:
        """Whether windows lie side by side, without padding or overlap; what is left over at the end is in none."""
        return self.stride == self.size and self.dilation == 1 and not self.before and not self.after


def lay_windows(
    lengths: Sequence[int],
    sizes: Sequence[int],
    *,
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
) -> tuple[Window, ...]:
    """One window for each spatial axis."""
    axes = zip(lengths, sizes, strides, dilations, strict=True)
    return tuple(Window.on(n, size, stride=stride, dilation=rate, padding=padding) for n, size, stride, rate in axes)
