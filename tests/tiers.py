"""The tiers of the tests, as marker expressions, and the processes in which tests run together.

- first: unmarked tests, and those marked `ray` alone.
- full: tests marked `slow`.
- long: tests marked `long`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TIERS = {"first": "not slow and not long", "full": "slow and not long", "long": "long"}

# What takes minutes begins first, so that no process is left alone with it. Files that compute and files that wait for
# processes take turns, so that the cores always have something to do.
LONGEST = (
    "training/test_strategy.py",
    "execution/test_spanning.py",
    "training/packs/test_packs_exact.py",
    "execution/test_stalls.py",
    "training/test_exactness.py",
    "execution/test_dispatch.py",
    "training/test_programs.py",
    "faults/test_lost_nodes.py",
    "training/test_checkpoint.py",
    "execution/kept/test_kept_cluster.py",
    "training/packs/test_packable.py",
    "cli/test_signals.py",
    "execution/test_ray_pool.py",
)

_FOLDER = Path(__file__).parent
_MODULE_TIER = re.compile(r"^pytestmark = .*\bpytest\.mark\.(slow|long)\b", re.MULTILINE)
_ANY_TIER = re.compile(r"\bpytest\.mark\.(slow|long)\b")


def is_of_another_tier(path: Path, expression: str) -> bool:
    """Return whether no test of a file is selected, as far as the text of the file shows it.

    Such a file need not be imported. This keeps TensorFlow out of the processes of the first tier: each process
    imports every file that is collected.
    """
    if not path.name.startswith("test_") or path.suffix != ".py":
        return False
    text = path.read_text(encoding="utf-8")
    if expression == TIERS["first"]:
        return _MODULE_TIER.search(text) is not None
    if expression in (TIERS["full"], TIERS["long"]):
        return _ANY_TIER.search(text) is None
    return False


def group_items(items: list[pytest.Item], expression: str) -> None:
    """Assign each test to the process group in which it runs.

    The tests of a file stay together, since they share what they start. In the first tier all tests that train run in
    one process, and all that start Ray in another one.
    """
    groups = {item: str(item.path) for item in items}
    if expression == TIERS["first"]:
        selected = [item for item in items if not any(map(item.get_closest_marker, ("slow", "long")))]
        ray = {item.path for item in selected if item.get_closest_marker("ray")}
        training = {item.path for item in selected if "runner" in getattr(item, "fixturenames", ())}
        groups = {
            item: "ray" if item.path in ray else "training" if item.path in training else group
            for item, group in groups.items()
        }
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    first = ["training", "ray", *(str(_FOLDER / path) for path in LONGEST)]
    rank = {group: number for number, group in enumerate(first)}
    items.sort(key=lambda item: rank.get(groups[item], len(rank)))
