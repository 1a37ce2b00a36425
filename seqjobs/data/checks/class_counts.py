"""Classes with few rows, and a class that most rows have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqjobs.data.checks.named import MAX_NAMED
from seqjobs.data.dataset import Split
from seqjobs.errors.problems import shown

FEW_ROWS = 5
MOST_ROWS = 0.9
# Beyond these, whole numbers are more likely counts or years than classes.
MAX_CLASSES = 1000


def class_warnings(
    target: str, train: Split, classes: tuple[str, ...] | None, num_classes: int | None
) -> Iterator[str]:
    """Nothing of targets that are numbers."""
    if num_classes is None or not 2 <= num_classes <= MAX_CLASSES or len(train) < 2 * num_classes:
        return
    counts = np.bincount(train.target, minlength=num_classes)
    names = classes or tuple(map(str, range(num_classes)))
    rare = [f"{shown(names[index])} ({counts[index]})" for index in np.flatnonzero((counts > 0) & (counts < FEW_ROWS))]
    if rare:
        more = f" and {len(rare) - MAX_NAMED} more" if len(rare) > MAX_NAMED else ""
        told = ", ".join(rare[:MAX_NAMED])
        yield f"of the target {shown(target)}, {told}{more} have fewer than {FEW_ROWS} training rows"
    share = counts.max() / counts.sum()
    if share >= MOST_ROWS:
        most = shown(names[int(counts.argmax())])
        yield f"{share:.1%} of the training rows are {most}, so accuracy flatters: see fit.class_weight and AUC"
