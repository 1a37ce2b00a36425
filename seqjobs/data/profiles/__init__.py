"""What some rows say of each column: its values in figures, and whether it gives the target away."""

from seqjobs.data.profiles.column_profile import ColumnProfile, profile_column
from seqjobs.data.profiles.leakage import Leak, find_leaks
from seqjobs.data.profiles.row_order import is_sorted_by

__all__ = ["ColumnProfile", "Leak", "find_leaks", "is_sorted_by", "profile_column"]
