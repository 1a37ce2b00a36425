"""Values that must not reach code, files or hosts, and the check that nothing of them did."""

from __future__ import annotations

from typing import Any

from seqjobs.jobspec.sections import TrialSpec
from seqjobs.tables import TABLES, Named

HOSTILE: tuple[Any, ...] = (
    {"class_name": "function", "config": "system", "module": "os"},
    {"class_name": "Lambda", "config": {}},
    {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None},
    *("/etc/passwd", "../../secret.parquet", "http://169.254.169.254/latest", "gs://bucket/words", "os.system"),
    *("keras>Lambda", "model.keras", "$(touch pwned)", "!!python/none", "__import__", "%s%n"),
)


def check_plain(trial: TrialSpec) -> None:
    """Assert that everything a builder receives names only entries of the tables."""
    compiled = trial.compile
    for value in (*trial.model, compiled.optimizer, compiled.loss, *compiled.metrics, *trial.fit.callbacks):
        _check_value(value)


def _check_value(value: object) -> None:
    if isinstance(value, Named):
        table = TABLES[value.table]
        assert value.name in table.entries or value.name in table.aliases
        value = tuple(value.arguments.values())
    if isinstance(value, tuple):
        for part in value:
            _check_value(part)
    elif isinstance(value, str):
        assert len(value) <= 100
        assert not set("/\\:") & set(value), value
    else:
        assert value is None or isinstance(value, bool | int | float), value
