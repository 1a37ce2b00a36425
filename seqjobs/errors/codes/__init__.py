"""The index of all error codes: `seqjobs explain` prints their pages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from seqjobs.errors.codes._base import ErrorCode, ExampleForm
from seqjobs.errors.codes.e1_text import TEXT
from seqjobs.errors.codes.e2_sections import SECTIONS
from seqjobs.errors.codes.e3_model import MODEL
from seqjobs.errors.codes.e4_data import DATA
from seqjobs.errors.codes.e5_execution import EXECUTION
from seqjobs.errors.codes.e6_runs import RUNS
from seqjobs.errors.codes.e7_security import SECURITY

GROUPS: Mapping[str, tuple[ErrorCode, ...]] = MappingProxyType(
    {
        "The text of a spec": TEXT,
        "Sections, dimensions and variants": SECTIONS,
        "Model, loss, metrics and callbacks": MODEL,
        "Data": DATA,
        "Size, cluster and workers": EXECUTION,
        "Run folders": RUNS,
        "What a spec may not name": SECURITY,
    }
)
"""The pages by what they are about, in the order of their codes."""

CODES: Mapping[str, ErrorCode] = MappingProxyType({page.code: page for pages in GROUPS.values() for page in pages})

__all__ = ["CODES", "GROUPS", "ErrorCode", "ExampleForm"]
