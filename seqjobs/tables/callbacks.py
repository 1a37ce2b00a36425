"""Callbacks. None takes a path, a host or a function."""

from __future__ import annotations

from seqjobs.tables._base import Argument, Entry, Table, left_out, table_of
from seqjobs.tables.arguments import Flag, Integer, Number, OneOf, Optional, Pattern
from seqjobs.tables.schedules import PIECES, pieces_fit

_MONITORS = {
    "monitor": Argument(
        Pattern("[A-Za-z][A-Za-z0-9_]{0,63}", "the name of a history column, such as val_loss"), "val_loss"
    ),
    "mode": Argument(OneOf(("auto", "min", "max")), "auto"),
}
_EPOCHS = Integer(at_least=0)
_AT_LEAST_0 = Number(at_least=0)

_ENTRIES = table_of(
    (
        Entry(
            "EarlyStopping",
            "stops when a column of the history does not improve",
            {
                **_MONITORS,
                "min_delta": Argument(_AT_LEAST_0, 0.0),
                "patience": Argument(_EPOCHS, 0),
                "baseline": Argument(Optional(Number()), None),
                "restore_best_weights": Argument(Flag(), False),
                "start_from_epoch": Argument(_EPOCHS, 0),
            },
        ),
        Entry(
            "ReduceLROnPlateau",
            "lowers the learning rate when a column of the history does not improve",
            {
                **_MONITORS,
                "factor": Argument(Number(above=0, below=1), 0.1),
                "patience": Argument(_EPOCHS, 10),
                "min_delta": Argument(_AT_LEAST_0, 1e-4),
                "cooldown": Argument(_EPOCHS, 0),
                "min_lr": Argument(_AT_LEAST_0, 0.0),
            },
        ),
        Entry(
            "TerminateOnNaN",
            "stops when the loss is not finite",
            left_out={"raise_error": "a trial whose loss is not finite is reported as failed in any case"},
        ),
        Entry(
            "LearningRateScheduler",
            "one learning rate between two boundaries; epochs count from 0, and each boundary begins the next rate",
            PIECES,
            rules=(pieces_fit,),
            left_out={"schedule": "it is a function; give boundaries and values"},
        ),
    )
)

# Entries whose arguments are ours, not Keras's.
OWN_ARGUMENTS = frozenset({"LearningRateScheduler"})

CALLBACKS = Table(
    name="callback",
    entries=_ENTRIES,
    left_out={
        **left_out(
            "it writes to a path that it is given, and seqjobs keeps checkpoints, histories and weights itself",
            *("BackupAndRestore", "CSVLogger", "ModelCheckpoint", "OrbaxCheckpoint", "TensorBoard"),
            code="E705",
        ),
        **left_out("it sends to a host that it is given", "RemoteMonitor", code="E705"),
        **left_out("it runs functions that it is given", "LambdaCallback", code="E705"),
        **left_out("it is a base class of the others", "Callback", "CallbackList"),
        **left_out("seqjobs keeps histories and shows progress itself", "History", "ProgbarLogger"),
        **left_out(
            "it changes weights between training and evaluation; use the optimizer's ema_overwrite_frequency",
            "SwapEMAWeights",
        ),
    },
    left_out_arguments={"verbose": "seqjobs shows progress itself"},
)
