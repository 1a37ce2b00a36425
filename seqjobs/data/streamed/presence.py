"""present: streamed rows on the machine that trains on them."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.data.streamed.scratch import scratch_folder
from seqjobs.data.streamed.stored_rows import StoredRows
from seqjobs.errors import DataError


def present(dataset: Dataset) -> Dataset:
    """The dataset; where its rows lie in a file of another machine, they are read again into one of this.

    One process of a machine does so, and others wait for it. Raises DataError, E421 where the rows have changed.
    """
    if _is_here(dataset):
        return dataset
    lock = os.open(scratch_folder() / f"{dataset.fingerprint}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_here(dataset):
            return dataset
        found = read_dataset(dataset.source)
    finally:
        os.close(lock)
    if found.fingerprint != dataset.fingerprint:
        what = "the data has changed since this run began to read it"
        raise DataError("E421", what, fix="restore the data, or submit under another --run.")
    return replace(dataset, train=found.train, validation=found.validation)


def _is_here(dataset: Dataset) -> bool:
    splits = [split for split in (dataset.train, dataset.validation) if split is not None]
    stored: list[object] = [split.features for split in splits]
    return all(not isinstance(rows, StoredRows) or rows.is_here() for rows in stored)
