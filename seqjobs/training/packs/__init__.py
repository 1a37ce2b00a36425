"""Packs: many trials of one program key, trained together in one compiled program."""
