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
from seqjobs.data.preprocess.date_parts import DateParts
from seqjobs.data.preprocess.hash import Hash
from seqjobs.data.preprocess.image import Image
from seqjobs.data.preprocess.impute import Impute
from seqjobs.data.preprocess.log1p import Log1p
from seqjobs.data.preprocess.min_max import MinMax
from seqjobs.data.preprocess.pad import Pad
from seqjobs.data.preprocess.rescale import Rescale
from seqjobs.data.preprocess.standardize import Standardize
from seqjobs.data.preprocess.tokens import Tokens
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown

_OF_ANY = (Bucketize, Clip, Cyclic, DateParts, Impute, Log1p, MinMax, Pad, Rescale, Standardize)
# Of a batch of 1,000 rows they take 80 MB while they are compared.
_MOST_FRACTIONS = 10_000
# Of 1,000 letters Keras looks up a hundred parts, one after the other.
_LONGEST_WORD = 1_000
_TOO_LARGE = "its uint64 numbers may be larger than Keras's int64"
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
    return "" if current.shape is not None else "its lists have different lengths"


def _reason_of(operation: Operation, given: ColumnType) -> str:
    if isinstance(operation, Categories):
        return _reason_of_categories(operation, given)
    if isinstance(operation, Hash):
        return _TOO_LARGE if given.dtype == "uint64" else ""
    if isinstance(operation, Tokens):
        longest = max(map(len, operation.words or ("",)))
        return (
            f"its longest word has {longest:,} letters, the most are {_LONGEST_WORD:,}"
            if longest > _LONGEST_WORD
            else ""
        )
    if isinstance(operation, Image):
        return "Keras has no layer that decodes PNG or JPEG"
    return "" if isinstance(operation, _OF_ANY) else "no layer of Keras's does the same"


def _reason_of_categories(operation: Categories, given: ColumnType) -> str:
    if not operation.categories:
        return "it knows no categories"
    if given.dtype == "uint64" and any(int(text) >= 2**63 for text in operation.categories):
        return _TOO_LARGE
    if given.kind == "string" and any(text.endswith("\0") for text in operation.categories):
        return "a category ends in a NUL, which Keras cuts off"
    if given.kind == "float" and operation.unseen != "other":
        return "Keras looks up no fractions, and so raises for none that is unseen"
    if given.kind == "float" and len(operation.categories) > _MOST_FRACTIONS:
        return f"Keras looks up no fractions, and more than {_MOST_FRACTIONS:,} are too many to compare with"
    return ""
