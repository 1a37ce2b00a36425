"""image: PNG or JPEG bytes as pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import final

import numpy as np
import pyarrow as pa
from PIL import Image as Pillow

from seqjobs.data.columns import ColumnType
from seqjobs.data.dataset import Array
from seqjobs.data.preprocess._base import Note, Operation, Values, unlike

FORMATS = ("PNG", "JPEG")
# A picture says its size before its pixels are decoded; a file of a kilobyte may say any.
MAX_PIXELS = 64_000_000


@final
@dataclass(frozen=True, kw_only=True)
class Image(Operation):
    size: tuple[int, int]
    """Height and width."""
    channels: int = 3
    resize: bool = False

    def output(self, given: ColumnType) -> ColumnType:
        if given.kind != "bytes" or given.shape != ():
            raise unlike(given, "pictures", "give it a column of bytes, each a PNG or JPEG file.")
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

    def _of_size(self, picture: Pillow.Image) -> Array:
        if picture.size[::-1] != self.size:
            picture = picture.resize(self.size[::-1], Pillow.Resampling.BILINEAR)
        return np.asarray(picture).reshape(*self.size, self.channels)


def _of_bytes(picture: Pillow.Image) -> Pillow.Image:
    """Grey of 16 bits in 8, which Pillow's `convert` would cut off at 255: white is 65,535, which is 255 * 257."""
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
