"""Faults, at every point at which they can come."""
