"""keras_file: a Keras model as a `.keras` file, with the same bytes for the same model."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import keras
from keras.src.saving import saving_lib

# Keras writes the time at which a model is saved, and does not read it.
_DATE = "1980-01-01@00:00:00"


def keras_file(model: keras.Model) -> bytes:
    """Return a file that `keras.models.load_model` opens, without dates, memory addresses or an order of folders.

    Layers without a name of their own must have the names that they have in a fresh process (see `forget_models`).
    """
    saved, plain = io.BytesIO(), io.BytesIO()
    # To memory: Keras chooses by the free memory how it writes to a disk.
    saving_lib.save_model(model, saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(plain, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                content = _encoded({**json.loads(content), "date_saved": _DATE})
            elif name == "config.json":
                content = _encoded(_with_small_ids(json.loads(content), {}))
            # A ZipInfo that is made of a name has the first date that a zip file can have.
            target.writestr(zipfile.ZipInfo(name), content)
    return plain.getvalue()


def _encoded(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def _with_small_ids(tree: Any, ids: dict[int, int]) -> Any:
    """Return a model's configuration in which objects that occur several times are numbered in their order.

    Keras takes their memory addresses, and compares them only with one another.
    """
    if isinstance(tree, dict):
        return {
            key: ids.setdefault(value, len(ids)) if key == "shared_object_id" else _with_small_ids(value, ids)
            for key, value in tree.items()
        }
    return [_with_small_ids(part, ids) for part in tree] if isinstance(tree, list) else tree
