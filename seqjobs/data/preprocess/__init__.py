"""What may be done to columns before they are features: one frozen dataclass an operation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from seqjobs.data.preprocess._base import Operation
from seqjobs.data.preprocess.bucketize import Bucketize
from seqjobs.data.preprocess.clip import Clip
from seqjobs.data.preprocess.cyclic import Cyclic
from seqjobs.data.preprocess.date_parts import DateParts
from seqjobs.data.preprocess.hash import Hash
from seqjobs.data.preprocess.image import Image
from seqjobs.data.preprocess.impute import Impute
from seqjobs.data.preprocess.index import Index
from seqjobs.data.preprocess.log1p import Log1p
from seqjobs.data.preprocess.min_max import MinMax
from seqjobs.data.preprocess.one_hot import OneHot
from seqjobs.data.preprocess.pad import Pad
from seqjobs.data.preprocess.rescale import Rescale
from seqjobs.data.preprocess.standardize import Standardize
from seqjobs.data.preprocess.tokens import Tokens

# By the name of their entry in the table of operations.
OPERATION_CLASSES: Mapping[str, type[Operation]] = MappingProxyType(
    {
        "bucketize": Bucketize,
        "clip": Clip,
        "cyclic": Cyclic,
        "date_parts": DateParts,
        "hash": Hash,
        "image": Image,
        "impute": Impute,
        "index": Index,
        "log1p": Log1p,
        "min_max": MinMax,
        "one_hot": OneHot,
        "pad": Pad,
        "rescale": Rescale,
        "standardize": Standardize,
        "tokens": Tokens,
    }
)

__all__ = ["OPERATION_CLASSES", "Operation"]
