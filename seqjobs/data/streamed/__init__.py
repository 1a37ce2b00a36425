"""Data larger than memory: decoded once into a file of a machine, read from it a window at a time."""
