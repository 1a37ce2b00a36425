"""find_splits: which files beside or below the data are to validate on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqjobs.spec.data_files import is_data, scheme_of

TRAIN_NAMES = ("train", "training")
# In this order: rows that are named for testing are better left alone where there are others.
VALIDATION_NAMES = ("validation", "valid", "val", "dev", "test", "testing")


@dataclass(frozen=True, kw_only=True)
class Splits:
    train: str
    validation: str | None


def find_splits(data: str, here: Path) -> Splits:
    """The parts of a folder that holds both, or what lies beside a file or folder that is named for training.

    Paths are relative to `here`. Of patterns and object stores nothing is looked for.
    """
    if scheme_of(data) is not None or any(character in data for character in "*?["):
        return Splits(train=data, validation=None)
    path = here / data
    if path.is_dir():
        train, validation = _named(path, TRAIN_NAMES), _named(path, VALIDATION_NAMES)
        if train is not None and validation is not None:
            return Splits(train=str(Path(data, train)), validation=str(Path(data, validation)))
    if _stem(path) in TRAIN_NAMES:
        beside = _named(path.resolve().parent, VALIDATION_NAMES)
        if beside is not None:
            return Splits(train=data, validation=str(Path(data).parent / beside))
    return Splits(train=data, validation=None)


def _named(folder: Path, names: Sequence[str]) -> str | None:
    entries = {_stem(path): path.name for path in sorted(folder.iterdir()) if path.is_dir() or is_data(path.name)}
    return next((entries[name] for name in names if name in entries), None)


def _stem(path: Path) -> str:
    """`train` of `train`, `train.parquet` and `Train.csv.gz`."""
    return path.name.lower().partition(".")[0]
