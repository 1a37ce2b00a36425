"""What a shape rule is: from a layer's arguments and input shape to its output shape and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from seqjobs.tables import Named, complete_arguments

# The axes of one example, without the batch; None is a size that the data decides.
Shape: TypeAlias = tuple[int | None, ...]
WeightShape: TypeAlias = tuple[int, ...]


class ShapeProblem(ValueError):  # noqa: N818 - the words of an error a caller goes on from, not an error to the user
    """A layer cannot take its input: `needs` completes "layer 2 'Conv2D' ...", `fix` says how to mend it."""

    def __init__(self, needs: str, fix: str) -> None:
        super().__init__(needs, fix)
        self.needs = needs
        self.fix = fix


@dataclass(frozen=True)
class Traced:
    """What one layer makes of its input: the output's shape, and the shapes of its weights."""

    output: Shape
    weights: Mapping[str, WeightShape] = field(default_factory=dict)


class Arguments:
    """A layer's arguments, defaults filled in, each read as the type that its table says it has."""

    def __init__(self, layer: Named) -> None:
        self._values = complete_arguments(layer)

    def integer(self, name: str) -> int:
        value = self._values[name]
        assert isinstance(value, int), (name, value)
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        """A number or a tuple of numbers, as a tuple."""
        value = self._values[name]
        parts = value if isinstance(value, tuple) else (value,)
        return tuple(part for part in parts if isinstance(part, int))

    def pairs(self, name: str) -> tuple[tuple[int, int], ...]:
        """A pair or a tuple of pairs, as a tuple of pairs."""
        value = self._values[name]
        assert isinstance(value, tuple), (name, value)
        pairs = value if isinstance(value[0], tuple) else (value,)
        return tuple((int(str(pair[0])), int(str(pair[1]))) for pair in pairs if isinstance(pair, tuple))

    def given(self, name: str) -> bool:
        """Whether it is true, or anything but null."""
        return self._values[name] not in (None, False)

    def word(self, name: str) -> str:
        return str(self._values[name])

    def layer(self, name: str) -> Named:
        value = self._values[name]
        assert isinstance(value, Named), (name, value)
        return value

    def count(self, name: str) -> int | None:
        """How many numbers a list holds; None for a single number."""
        value = self._values[name]
        return len(value) if isinstance(value, tuple) else None

    def sizes(self, name: str) -> Shape:
        """A size or a tuple of them, None being what the input decides."""
        value = self._values[name]
        parts = value if isinstance(value, tuple) else (value,)
        return tuple(part if isinstance(part, int) else None for part in parts)


Rule: TypeAlias = Callable[[Arguments, Shape], Traced]

SPATIAL_AXES = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def shown_shape(shape: Shape) -> str:
    """`(28, 28, 1)`; a size that the data decides is "any"."""
    sizes = ", ".join("any" if size is None else str(size) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"


def want_axes(shape: Shape, names: Sequence[str]) -> None:
    """Raises ShapeProblem unless `shape` has just these axes."""
    if len(shape) == len(names):
        return
    wanted = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
    if len(shape) < len(names):
        fix = f"put Reshape: {{target_shape: [{', '.join(names)}]}} before it, or take out the layer that flattens"
    else:
        fix = "put Flatten, Reshape or a global pooling layer before it, or use the layer for more axes"
    raise ShapeProblem(f"needs {wanted}", fix)


def known(size: int | None, axis: str) -> int:
    """The size of an axis that weights depend on."""
    if size is None:
        raise ShapeProblem(f"needs a fixed number of {axis}", "fix the shape in the data section")
    return size


def index_of_axis(axis: int, shape: Shape) -> int:
    """Where in `shape` Keras's axis is: for Keras 0 is the batch, and -1 the last."""
    index = axis + len(shape) if axis < 0 else axis - 1
    if axis == 0 or not 0 <= index < len(shape):
        needs = f"needs an axis from 1 to {len(shape)}, or -1 for the last, and was given {axis}"
        raise ShapeProblem(needs, "change its axis, or the layer before it")
    return index


def same(_: Arguments, shape: Shape) -> Traced:
    """The rule of a layer without weights that keeps the shape."""
    return Traced(shape)
