"""Operations: what can be done to columns before they become features.

An operation is one file and one line in `FAMILY`. The spec's table, the JSON schema, the documentation, preparation and
export are all made of the family.
"""

from __future__ import annotations

from seqjobs.operations._base import Operation
from seqjobs.operations.bucketize import Bucketize
from seqjobs.operations.clip import Clip
from seqjobs.operations.cyclic import Cyclic
from seqjobs.operations.date_parts import DateParts
from seqjobs.operations.hash import Hash
from seqjobs.operations.image import Image
from seqjobs.operations.impute import Impute
from seqjobs.operations.index import Index
from seqjobs.operations.log1p import Log1p
from seqjobs.operations.min_max import MinMax
from seqjobs.operations.one_hot import OneHot
from seqjobs.operations.pad import Pad
from seqjobs.operations.rescale import Rescale
from seqjobs.operations.standardize import Standardize
from seqjobs.operations.tokens import Tokens
from seqjobs.tables._base import Named, Table

# In the order of the documentation.
FAMILY: tuple[type[Operation], ...] = (
    Rescale,
    Standardize,
    MinMax,
    Clip,
    Log1p,
    Impute,
    OneHot,
    Index,
    Hash,
    Bucketize,
    Cyclic,
    DateParts,
    Tokens,
    Image,
    Pad,
)
OPERATION_CLASSES = {operation.entry.name: operation for operation in FAMILY}
OPERATIONS = Table(name="operation", entries={operation.entry.name: operation.entry for operation in FAMILY})


def operation_of(named: Named) -> Operation:
    """Return the operation that a spec names."""
    return OPERATION_CLASSES[named.name].of(**named.arguments)


def learns(named: Named) -> bool:
    """Return whether an operation of a spec takes something from the training rows."""
    return operation_of(named).learner() is not None


__all__ = ["FAMILY", "OPERATIONS", "OPERATION_CLASSES", "Operation", "learns", "operation_of"]
