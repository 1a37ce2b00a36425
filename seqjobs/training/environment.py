"""What must be settled in a process before TensorFlow is first imported. Imports no TensorFlow itself."""

from __future__ import annotations

import os


def pin() -> None:
    """Makes Keras the one that is meant, whatever the user's shell or `~/.keras/keras.json` says."""
    for name in [name for name in os.environ if name.startswith("KERAS_")]:
        del os.environ[name]  # one of them cuts every fit short
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # Where no folder can be, there is no keras.json to read, nor is one written.
    os.environ["KERAS_HOME"] = os.devnull
    # Information and warnings of TensorFlow's C++ side tell a user of seqjobs nothing; errors stay.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
