"""Stored histories and weights of stock Keras, and the cases that they belong to.

`python -m tests.golden` makes `stock.json` and `stock.npz` anew. They hold to rounding on other processors: every case
trains steadily for a few epochs.
"""
