"""image: decode PNG or JPEG bytes to pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from seqjobs.operations._base import Layer, Note, Operation
from seqjobs.operations.arrays import Array, Values, np, pa
from seqjobs.operations.column_type import ColumnType
from seqjobs.operations.lazy_module import lazy_module
from seqjobs.operations.takes import PICTURES
from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry
from seqjobs.tables.arguments import Flag, Integer, ListOf

if TYPE_CHECKING:
    from PIL import Image as Pillow
else:
    Pillow = lazy_module("PIL.Image")

FORMATS = ("PNG", "JPEG")
# A picture states its size before its pixels are decoded; a file of a kilobyte may state any size.
MAX_PIXELS = 64_000_000


def _one_or_three(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if given["channels"] not in (1, 3):
        yield Conflict("channels", "an image has 1 channel (grey) or 3 (red, green, blue)", "write 1 or 3")


@final
@dataclass(frozen=True, kw_only=True)
class Image(Operation):
    entry = Entry(
        "image",
        "Decode PNG or JPEG files to pixels from 0 to 255, of shape [height, width, channels]; 1 channel is grey, 3 "
        "are red, green and blue. `resize` scales pictures of another size to `size`.",
        {
            "size": Argument(ListOf(Integer(at_most=10_000), 2, 2)),
            "channels": Argument(Integer(at_most=4), 3),
            "resize": Argument(Flag(), False),
        },
        rules=(_one_or_three,),
        alone="size",
    )
    takes = PICTURES

    size: tuple[int, int]
    """Height and width."""
    channels: int = 3
    resize: bool = False

    def makes(self, given: ColumnType) -> ColumnType:  # noqa: ARG002
        return ColumnType(kind="integer", dtype="uint8", shape=(*self.size, self.channels))

    def apply(self, values: Values, note: Note) -> Values:
        assert isinstance(values, pa.Array)
        note("null", np.asarray(values.is_null()))
        made = np.zeros((len(values), *self.size, self.channels), np.uint8)
        unreadable, other_size = np.zeros(len(values), bool), np.zeros(len(values), bool)
        for row, content in enumerate(values.to_pylist()):
            if content is None:
                continue
            pixels = _decoded(content, "L" if self.channels == 1 else "RGB")
            if pixels is None:
                unreadable[row] = True
            elif pixels.size[::-1] == self.size or self.resize:
                made[row] = self._of_size(pixels)
            else:
                other_size[row] = True
        note("no PNG or JPEG pictures", unreadable)
        note(f"pictures that are not {self.size[0]} high and {self.size[1]} wide", other_size)
        return made.reshape(len(values), -1)

    def not_exportable(self, given: ColumnType) -> str:  # noqa: ARG002
        return "Keras has no layer that decodes PNG or JPEG"

    def layer(self, given: ColumnType, keras: Any) -> Layer:
        raise NotImplementedError(self.not_exportable(given))

    def _of_size(self, picture: Pillow.Image) -> Array:
        if picture.size[::-1] != self.size:
            picture = picture.resize(self.size[::-1], Pillow.Resampling.BILINEAR)
        return np.asarray(picture).reshape(*self.size, self.channels)


def _of_bytes(picture: Pillow.Image) -> Pillow.Image:
    """Return grey of 16 bits as grey of 8. Pillow's `convert` would cut it off at 255; white is 65,535 = 255 * 257."""
    if not picture.mode.startswith("I"):
        return picture
    pixels = np.clip(np.asarray(picture).astype(np.int64), 0, 65_535)
    return Pillow.fromarray(((pixels + 128) // 257).astype(np.uint8))


def _decoded(content: bytes, mode: str) -> Pillow.Image | None:
    try:
        with Pillow.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return None
            return _of_bytes(picture).convert(mode)
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
        return None
