"""Names that people write for others, and the names that most people mean: what suggestions prefer."""

from __future__ import annotations

from collections.abc import Mapping

# Of two names that are equally near, the one of these is suggested.
COMMON_NAMES = frozenset(
    {
        *("Dense", "Flatten", "Dropout", "Conv2D", "MaxPooling2D", "LSTM", "Embedding", "BatchNormalization"),
        *("adam", "Adam", "sgd", "SGD", "rmsprop", "RMSprop", "relu", "sigmoid", "softmax", "tanh"),
        *("mse", "mae", "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"),
        *("accuracy", "AUC", "auc", "f1_score", "EarlyStopping", "ReduceLROnPlateau"),
        *("units", "activation", "rate", "filters", "kernel_size", "learning_rate", "epochs", "batch_size"),
    }
)

# What is written, in small letters and without underscores -> the names that can be meant, the likeliest first.
EVERYDAY_NAMES: Mapping[str, tuple[str, ...]] = {
    # sections and their keys
    "batch": ("batch_size",),
    "bs": ("batch_size",),
    "nepochs": ("epochs",),
    "numepochs": ("epochs",),
    "valsplit": ("validation_split",),
    "testsize": ("validation_split",),
    "val": ("validation",),
    "valid": ("validation",),
    "label": ("target",),
    "labels": ("target",),
    "y": ("target",),
    "x": ("features",),
    "inputs": ("features",),
    "columns": ("features",),
    "sep": ("delimiter",),
    "separator": ("delimiter",),
    "optim": ("optimizer",),
    "criterion": ("loss",),
    "layers": ("model",),
    "min": ("minimize",),
    "max": ("maximize",),
    # layers
    "linear": ("Dense", "linear"),
    "fc": ("Dense",),
    "fullyconnected": ("Dense",),
    "conv": ("Conv2D",),
    "maxpool": ("MaxPooling2D",),
    "maxpool2d": ("MaxPooling2D",),
    "avgpool2d": ("AveragePooling2D",),
    "globalavgpool": ("GlobalAveragePooling2D",),
    "batchnorm": ("BatchNormalization",),
    "bn": ("BatchNormalization",),
    "layernorm": ("LayerNormalization",),
    # arguments
    "lr": ("learning_rate",),
    "wd": ("weight_decay",),
    "neurons": ("units",),
    "nodes": ("units",),
    "hiddenunits": ("units",),
    "size": ("units", "pool_size", "kernel_size"),
    "act": ("activation",),
    "p": ("rate",),
    "prob": ("rate",),
    "dropoutrate": ("rate",),
    "channels": ("filters",),
    "numfilters": ("filters",),
    "kernel": ("kernel_size",),
    "stride": ("strides",),
    "metric": ("monitor", "metrics"),
    # operations on columns
    "lookup": ("index",),
    "stringlookup": ("index",),
    "integerlookup": ("index",),
    "ordinal": ("index",),
    "categorical": ("one_hot",),
    "category": ("one_hot",),
    "normalize": ("standardize",),
    "normalization": ("standardize",),
    "zscore": ("standardize",),
    "fill": ("impute",),
    "fillna": ("impute",),
    "value": ("constant",),
    # losses and metrics
    "crossentropy": ("sparse_categorical_crossentropy",),
    "logloss": ("binary_crossentropy",),
    "nll": ("sparse_categorical_crossentropy",),
    "bce": ("binary_crossentropy",),
    "cce": ("categorical_crossentropy",),
    "scce": ("sparse_categorical_crossentropy",),
    "l1": ("mae",),
    "l1loss": ("mae",),
    "l2": ("mse",),
    "mseloss": ("mse",),
    "rmse": ("root_mean_squared_error",),
    "f1": ("f1_score",),
    "rocauc": ("auc",),
    "r2": ("r2_score",),
    "acc": ("accuracy",),
    "valacc": ("val_accuracy",),
    # optimizers, initializers, callbacks
    "rms": ("rmsprop",),
    "momentum": ("sgd",),
    "he": ("he_normal",),
    "xavier": ("glorot_uniform",),
    "glorot": ("glorot_uniform",),
    "reducelr": ("ReduceLROnPlateau",),
}
