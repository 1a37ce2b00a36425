"""check_exportable: whether Keras's own layers can do to raw columns what a preparation does."""

from __future__ import annotations

from seqjobs.data.columns import ColumnType
from seqjobs.data.preparation import Preparation
from seqjobs.data.preprocess import OPERATION_CLASSES, Operation
from seqjobs.data.preprocess.bucketize import Bucketize
from seqjobs.data.preprocess.categories import Categories
from seqjobs.data.preprocess.chain import Chain
from seqjobs.data.preprocess.clip import Clip
from seqjobs.data.preprocess.cyclic import Cyclic
from seqjobs.data.preprocess.impute import Impute
from seqjobs.data.preprocess.log1p import Log1p
from seqjobs.data.preprocess.min_max import MinMax
from seqjobs.data.preprocess.rescale import Rescale
from seqjobs.data.preprocess.standardize import Standardize
from seqjobs.errors import DataError
from seqjobs.spec.problems import shown

_OF_NUMBERS = (Bucketize, Clip, Cyclic, Impute, Log1p, MinMax, Rescale, Standardize)
_NAMES = {found: name for name, found in OPERATION_CLASSES.items()}


def check_exportable(preparation: Preparation) -> None:
    """Raises DataError E422 for the first column of which Keras's layers would not make exactly the same."""
    for chain in preparation.chains:
        reason = _reason(chain)
        if reason:
            fix = "export without --with-preprocessing, and prepare its rows by `seqjobs predict`."
            raise DataError(
                "E422", f"column {shown(chain.name)} cannot be prepared by a .keras file: {reason}", fix=fix
            )


def _reason(chain: Chain) -> str:
    if "/" in chain.name:
        return "Keras takes no input with a / in its name"
    current = chain.given
    for operation in chain.operations:
        reason = _reason_of(operation, current)
        if reason:
            return f"{_NAMES[type(operation)]}: {reason}"
        current = operation.output(current)
    return "" if chain.given.shape is not None else "its lists have different lengths"


def _reason_of(operation: Operation, given: ColumnType) -> str:
    if isinstance(operation, Categories):
        if given.kind not in ("string", "integer", "bool"):
            return "Keras looks up strings and whole numbers alone"
        return "" if operation.categories else "it knows no categories"
    if not isinstance(operation, _OF_NUMBERS):
        return "no layer of Keras's does the same"
    if isinstance(operation, Cyclic) and operation.part is not None:
        return "Keras knows no times"
    return ""
