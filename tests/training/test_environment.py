"""Keras is the one that is meant, whatever stands in a user's shell and files."""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path
from typing import Any

import pytest
from keras.src.backend import config

from seqjobs.training import environment

pytestmark = pytest.mark.slow


def keras_settings() -> dict[str, Any]:
    """What Keras finds where it is imported anew; it is in this process already."""
    return runpy.run_path(str(config.__file__))


@pytest.mark.parametrize(
    "settings",
    [
        {"floatx": "float16", "epsilon": 0.5, "image_data_format": "channels_first", "backend": "torch"},
        {"floatx": "float31"},  # with which Keras cannot be imported
    ],
)
@pytest.mark.parametrize("by_variable", [False, True])
def test_no_setting_of_the_user_reaches_keras(
    settings: dict[str, Any], by_variable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KERAS_BACKEND", "KERAS_HOME", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
        monkeypatch.setenv(name, "1")  # so that each is again what it was
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    os.environ.pop("KERAS_HOME")
    if by_variable:
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / ".keras"))
    path = tmp_path / ".keras" / "keras.json"
    path.parent.mkdir()
    path.write_text(json.dumps(settings))
    environment.pin()
    found = keras_settings()
    names = ("_FLOATX", "_EPSILON", "_IMAGE_DATA_FORMAT", "_BACKEND", "_MAX_EPOCHS", "_MAX_STEPS_PER_EPOCH")
    assert [found[name] for name in names] == ["float32", 1e-7, "channels_last", "tensorflow", None, None]


def test_keras_writes_no_file_of_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    environment.pin()
    keras_settings()
    assert list(tmp_path.iterdir()) == []
