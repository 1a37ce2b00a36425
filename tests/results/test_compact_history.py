"""A compact history is the history it was made of."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqjobs.results.compact_history import CompactHistory
from seqjobs.training.outcome import History

from .test_leaderboard import record, trial

HISTORIES = st.dictionaries(st.text(max_size=5), st.lists(st.floats(), max_size=5).map(tuple), max_size=4)


def bits(history: Mapping[str, tuple[float, ...]]) -> list[tuple[str, bytes]]:
    return [(metric, struct.pack(f"{len(values)}d", *values)) for metric, values in history.items()]


@given(HISTORIES)
def test_it_has_the_same_metrics_in_the_same_order_and_the_same_bits(history: History) -> None:
    found = CompactHistory(history)
    assert bits(found) == bits(history)
    assert all(type(values) is tuple and set(map(type, values)) <= {float} for values in found.values())
    assert len(found) == len(history)
    assert repr(found) == repr(history)


def test_it_is_equal_to_any_mapping_with_the_same_numbers() -> None:
    history = {"loss": (0.5, 0.25), "val_loss": (), "mae": (math.inf,)}
    assert CompactHistory(history) == history == CompactHistory(CompactHistory(history))
    assert CompactHistory(history) != {**history, "loss": (0.5,)}
    with pytest.raises(KeyError):
        CompactHistory(history)["accuracy"]


def test_a_record_counts_its_epochs() -> None:
    history = CompactHistory({"loss": (1.0, 2.0, 3.0), "val_loss": (1.0,)})
    assert replace(record(trial(0), 0.5), history=history).epochs == 3
    assert replace(record(trial(0), 0.5), history=CompactHistory({})).epochs == 0
