"""Execution: carries out packs, here or on Ray, and says what happens in events."""
