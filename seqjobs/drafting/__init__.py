"""From data to a spec that trains on it: written rules, each a pure function of the columns' profiles."""

from seqjobs.drafting.drafted_spec import drafted_spec

__all__ = ["drafted_spec"]
