"""Draft a spec that trains on given data: written rules, each a pure function of the columns' profiles."""

from seqjobs.drafting.draft_spec import draft_spec

__all__ = ["draft_spec"]
