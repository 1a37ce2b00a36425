"""The checkpoint of a pack: of all its members at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqjobs.data.dataset import Array
from seqjobs.training.checkpoint import Checkpoint, in_order, numbered, same_form
from seqjobs.training.packs.callbacks import PackCallback
from seqjobs.training.packs.pack_fitting import PackFitting
from seqjobs.training.packs.pack_program import PackProgram


def take(program: PackProgram, callbacks: Sequence[PackCallback], fitting: PackFitting) -> Checkpoint:
    """To be called between two epochs of a fit."""
    arrays: dict[str, Array] = {**numbered("state", program.state), **fitting.arrays}
    for index, callback in enumerate(callbacks):
        arrays.update(numbered(f"callback-{index}", callback.memory))
    return Checkpoint(epochs=fitting.epochs, notes=fitting.notes, arrays=arrays)


def put_back(
    checkpoint: Checkpoint, program: PackProgram, callbacks: Sequence[PackCallback], fitting: PackFitting
) -> None:
    """To be called behind the program's `reset`, with callbacks and a fitting that are new.

    One whose variables are not the program's is passed over.
    """
    if not same_form(in_order("state", checkpoint.arrays), [np.asarray(part) for part in program.state]):
        return
    program.state = in_order("state", checkpoint.arrays)
    fitting.put_back(checkpoint.notes, checkpoint.arrays)
    for index, callback in enumerate(callbacks):
        callback.memory = tuple(np.array(part) for part in in_order(f"callback-{index}", checkpoint.arrays))
