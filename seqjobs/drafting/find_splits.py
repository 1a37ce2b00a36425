"""find_splits: which files next to the data, or within it, are for training, validation and testing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqjobs.jobspec.data_files import is_data, scheme_of

TRAIN_NAMES = ("train", "training")
VALIDATION_NAMES = ("validation", "valid", "val", "dev")
TEST_NAMES = ("test", "testing")


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Paths of rows; None for what was not found."""

    train: str
    validation: str | None = None
    test: str | None = None


def find_splits(data: str, here: Path) -> Splits:
    """Return the parts of a folder, or what lies next to a file or folder that is named for training.

    Args:
        data: A path relative to `here`; nothing is looked for next to globs and in object stores.
        here: The folder of relative paths.
    """
    path = here / data
    if scheme_of(data) is not None or any(character in data for character in "*?["):
        return Splits(train=data)
    if path.is_dir() and (train := _find(path, TRAIN_NAMES)) is not None:
        folder, beside = Path(data), path
        data = str(folder / train)
    elif _stem(path) in TRAIN_NAMES:
        folder, beside = Path(data).parent, path.resolve().parent
    else:
        return Splits(train=data)
    others = (_find(beside, names) for names in (VALIDATION_NAMES, TEST_NAMES))
    validation, test = (None if name is None else str(folder / name) for name in others)
    return Splits(train=data, validation=validation, test=test)


def _find(folder: Path, names: Sequence[str]) -> str | None:
    entries = {_stem(path): path.name for path in sorted(folder.iterdir()) if path.is_dir() or is_data(path.name)}
    return next((entries[name] for name in names if name in entries), None)


def _stem(path: Path) -> str:
    """Return `train` for `train`, `train.parquet` and `Train.csv.gz`."""
    return path.name.lower().partition(".")[0]
