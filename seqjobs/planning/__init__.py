"""Planning: validated jobs -> what will run, with ids, seeds and order; pure."""

from seqjobs.data.data_source import DataSource
from seqjobs.planning.plan import Plan, make_plan
from seqjobs.planning.resources import Resources
from seqjobs.planning.run_paths import RunPaths
from seqjobs.planning.trial import Pack, Trial

__all__ = ["DataSource", "Pack", "Plan", "Resources", "RunPaths", "Trial", "make_plan"]
