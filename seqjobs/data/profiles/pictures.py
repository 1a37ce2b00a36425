"""PictureProfile: the sizes of the PNG and JPEG files in a column of bytes."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from PIL import Image as Pillow

from seqjobs.operations.image import FORMATS

# A size stands in a picture's header, but hundreds of them tell as much as thousands.
MAX_LOOKED_AT = 500


@dataclass(frozen=True, kw_only=True)
class PictureProfile:
    height: int
    """The median."""
    width: int
    one_size: bool
    channels: int
    """1 where all are grey, else 3."""


def profile_pictures(column: pa.Array) -> PictureProfile | None:
    """None where some row has bytes that are no picture."""
    step = max(1, len(column) // MAX_LOOKED_AT)
    contents = [content for content in column[::step].to_pylist() if content is not None]
    found = []
    for content in contents:
        try:
            with Pillow.open(io.BytesIO(content), formats=FORMATS) as picture:
                found.append((*picture.size, picture.mode in ("1", "L", "I", "I;16")))
        except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
            return None
    if not found:
        return None
    return PictureProfile(
        height=int(np.median([height for _, height, _ in found])),
        width=int(np.median([width for width, _, _ in found])),
        one_size=len({size[:2] for size in found}) == 1,
        channels=1 if all(grey for _, _, grey in found) else 3,
    )
