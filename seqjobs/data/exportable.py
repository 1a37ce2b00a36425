"""check_exportable: whether a Keras model can do to raw columns what a preparation does."""

from __future__ import annotations

from seqjobs.data.chain import Chain
from seqjobs.data.preparation import Preparation
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown


def check_exportable(preparation: Preparation) -> None:
    """Raises DataError (E422) for the first column that Keras's layers cannot prepare in exactly the same way."""
    for chain in preparation.chains:
        reason = _reason(chain)
        if reason:
            what = f"column {shown(chain.name)} cannot be prepared by a .keras file: {reason}"
            fix = "export without --with-preprocessing, and predict with `seqjobs predict`."
            raise DataError("E422", what, fix=fix)


def _reason(chain: Chain) -> str:
    if "/" in chain.name:
        return "Keras takes no input with a / in its name"
    for operation, given in chain.steps():
        reason = operation.not_exportable(given)
        if reason:
            return f"{operation.entry.name}: {reason}"
    return "" if chain.output.shape is not None else "its lists have different lengths"
