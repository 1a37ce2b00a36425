"""Layers with the weights of Keras's own, and steps that XLA makes fast on a CPU."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from seqjobs.training.lowerings import noise_layers, window_layers

LOWERED: Mapping[str, type[keras.layers.Layer]] = {
    lowered.__name__: lowered
    for lowered in (
        *(window_layers.Conv1D, window_layers.Conv2D, window_layers.Conv3D),
        *(window_layers.Conv1DTranspose, window_layers.Conv2DTranspose),
        *(window_layers.MaxPooling1D, window_layers.MaxPooling2D, window_layers.MaxPooling3D),
        *(window_layers.AveragePooling1D, window_layers.AveragePooling2D, window_layers.AveragePooling3D),
        *(noise_layers.Dropout, noise_layers.AlphaDropout, noise_layers.GaussianDropout, noise_layers.GaussianNoise),
        *(noise_layers.SpatialDropout1D, noise_layers.SpatialDropout2D, noise_layers.SpatialDropout3D),
    )
}
"""By the layer table's names; each takes the arguments of Keras's layer, and builds its variables and draws its seeds
in the same order."""
