"""Layers that move, repeat, add or drop values without weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.errors.problems import Path, Problems
from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry, Invalid, JsonValue, Kind, part
from seqjobs.tables.arguments import Each, Integer, ListOf, OneOf, is_list, refuse

_SIZE = Integer(at_least=1)
_COUNT = Integer(at_least=0)


@part
class Sides(Kind):
    """How many positions before and after each of `rank` axes.

    One number for all sides, one number an axis, or a pair an axis (over one axis: the pair itself). Canonical form
    is the pair, or the tuple of pairs.
    """

    rank: int

    @property
    def expected(self) -> str:
        if self.rank == 1:
            return "a whole number of at least 0, or the two for before and after"
        return f"a whole number of at least 0, or a list of {self.rank}, each a number or the two for before and after"

    def check(self, value: object, path: Path, problems: Problems) -> ArgumentValue | Invalid:
        pair = Each(_COUNT, 2)
        if self.rank == 1:
            return pair.check(value, path, problems)
        if not is_list(value):
            sides = pair.check(value, path, problems)
            if isinstance(sides, Invalid):
                return sides
            return tuple(sides for _ in range(self.rank))
        if len(value) != self.rank:
            return refuse(self, value, path, problems, fix=f"give one item for each of the {self.rank} axes")
        return ListOf(pair, self.rank, self.rank).check(value, path, problems)

    def json_schema(self) -> dict[str, JsonValue]:
        pair = Each(_COUNT, 2)
        return pair.json_schema() if self.rank == 1 else Each(pair, self.rank).json_schema()


def _one_open_axis(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    shape = arguments["target_shape"]
    if not isinstance(shape, tuple):
        return
    if shape.count(-1) > 1:
        yield Conflict("target_shape", "only one axis can be -1", "write the sizes of the others")
    if 0 in shape:
        yield Conflict("target_shape", "an axis of size 0 holds nothing", "write sizes of at least 1, or one -1")


def _is_permutation(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    dims = arguments["dims"]
    axes = sorted(dim for dim in dims if isinstance(dim, int)) if isinstance(dims, tuple) else []
    if axes != list(range(1, len(axes) + 1)):
        what = f"the axes must be 1 to {len(axes)}, each once (axis 0 is the batch)"
        yield Conflict("dims", what, f"write an order of {list(range(1, len(axes) + 1))}")


def _padding(rank: int) -> Entry:
    default: ArgumentValue = (1, 1) if rank == 1 else ((1, 1),) * rank
    return Entry(f"ZeroPadding{rank}D", "zeros around", {"padding": Argument(Sides(rank), default)}, number="padding")


def _cropping(rank: int) -> Entry:
    # Keras's own defaults, unlike each other as they are.
    defaults: dict[int, ArgumentValue] = {1: (1, 1), 2: ((0, 0), (0, 0)), 3: ((1, 1), (1, 1), (1, 1))}
    cropping = {"cropping": Argument(Sides(rank), defaults[rank])}
    return Entry(f"Cropping{rank}D", "drops the rim", cropping, number="cropping")


_INTERPOLATIONS = OneOf(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"))

RESHAPING = (
    Entry("Flatten", "all axes into one"),
    Entry(
        "Reshape",
        "the same values in another shape; one axis may be -1, for the remaining size",
        {"target_shape": Argument(ListOf(Integer(at_least=-1), longest=6))},
        rules=(_one_open_axis,),
    ),
    Entry(
        "Permute",
        "the axes in another order; the first axis is 1",
        {"dims": Argument(ListOf(Integer(at_least=1), longest=6))},
        rules=(_is_permutation,),
    ),
    Entry("RepeatVector", "the input n times", {"n": Argument(_SIZE)}, number="n"),
    *(_padding(rank) for rank in (1, 2, 3)),
    *(_cropping(rank) for rank in (1, 2, 3)),
    Entry("UpSampling1D", "each step `size` times", {"size": Argument(_SIZE, 2)}, number="size"),
    Entry(
        "UpSampling2D",
        "a larger image",
        {"size": Argument(Each(_SIZE, 2), (2, 2)), "interpolation": Argument(_INTERPOLATIONS, "nearest")},
        number="size",
    ),
    Entry("UpSampling3D", "each voxel repeated", {"size": Argument(Each(_SIZE, 3), (2, 2, 2))}, number="size"),
)
