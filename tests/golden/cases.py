"""The cases: a spec for seqjobs, and the same training written out in plain Keras.

No module of seqjobs takes part in the plain training but `epoch_order`, for a case whose rows are shuffled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqjobs.training.epoch_order import epoch_order
from tests.golden.data import STEPS, Arrays, arrays

MakeModel = Callable[[Any], Any]
"""Builds and compiles a model with the module `keras` that it is given."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A training by seqjobs and by plain Keras."""

    spec: str
    """The spec, without its name."""
    features: str
    shape: tuple[int, ...]
    target: str
    model: MakeModel
    epochs: int
    batch_size: int = 32
    seed: int = 0
    validation_rows: int = 0
    """Rows at the end of `train` that validate; 0 if the rows of `test` do."""
    shuffled: bool = False
    """Whether each epoch has an order of its own; only for a case without callbacks."""
    sample_weight: bool = False
    fit: Mapping[str, Any] = field(default_factory=dict)
    """More arguments of `fit`."""
    callbacks: Callable[[Any], list[Any]] = lambda _: []
    ways: tuple[str, ...] = ("graph", "xla")
    """The compilers (`fit.compile`) that give the numbers of stock Keras."""


def plain_fit(keras: Any, case: Case) -> tuple[dict[str, list[float]], list[Any]]:
    """Train a case with `keras.Sequential.fit`; return its history and its weights."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(case.seed)
    model = case.model(keras)
    rows = _rows(case, arrays("train"))
    if case.validation_rows:
        validation = tuple(part[-case.validation_rows :] for part in rows)
        rows = tuple(part[: -case.validation_rows] for part in rows)
    else:
        validation = _rows(case, arrays("test"))
    callbacks, history = case.callbacks(keras), dict[str, list[float]]()
    for epoch in range(case.epochs if case.shuffled else 1):
        order = epoch_order(len(rows[0]), case.seed, epoch) if case.shuffled else slice(None)
        fitted = model.fit(
            *(part[order] for part in rows[:2]),
            sample_weight=rows[2][order] if case.sample_weight else None,
            epochs=1 if case.shuffled else case.epochs,
            batch_size=case.batch_size,
            shuffle=False,
            verbose=0,
            validation_data=validation,
            validation_batch_size=case.batch_size,
            callbacks=callbacks,
            **case.fit,
        )
        for column, values in fitted.history.items():
            history.setdefault(column, []).extend(map(float, values))
    return history, model.get_weights()


def _rows(case: Case, columns: Arrays) -> tuple[Any, ...]:
    features, target = columns[case.features], columns[case.target]
    scale = np.float32(1 / 256 if case.features == "pixels" else 1)
    rows = ((features * scale).astype(np.float32).reshape(-1, *case.shape), target)
    return (*rows, columns["weight"]) if case.sample_weight else rows


def _sequential(keras: Any, shape: tuple[int, ...], *layers: Any) -> Any:
    return keras.Sequential([keras.Input(shape), *layers])


def _compiled(model: Any, optimizer: Any, loss: str, metrics: list[Any], **more: Any) -> Any:
    model.compile(optimizer, loss, metrics=metrics, jit_compile=False, **more)
    return model


def _binary(keras: Any) -> Any:
    dense = keras.layers.Dense
    layers = (dense(128, activation="relu"), dense(64, activation="relu"), dense(1, activation="sigmoid"))
    model = _sequential(keras, (784,), *layers)
    return _compiled(model, keras.optimizers.Adam(0.0005), "binary_crossentropy", ["accuracy"])


def _dropout(keras: Any) -> Any:
    layers = keras.layers
    model = _sequential(
        keras,
        (100,),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )
    return _compiled(model, keras.optimizers.RMSprop(0.001), "sparse_categorical_crossentropy", ["accuracy"])


def _convolution(keras: Any) -> Any:
    layers = keras.layers
    model = _sequential(
        keras,
        (28, 28, 1),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu", padding="same"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(0.02, 5, 0.9)
    return _compiled(
        model, keras.optimizers.SGD(schedule, momentum=0.9), "sparse_categorical_crossentropy", ["accuracy"]
    )


def _lstm(keras: Any) -> Any:
    model = _sequential(keras, STEPS, keras.layers.LSTM(12), keras.layers.Dense(1))
    return _compiled(model, keras.optimizers.Adam(0.01), "mse", ["mae"])


def _gru(keras: Any) -> Any:
    layers = keras.layers
    model = _sequential(
        keras, STEPS, layers.GRU(6, return_sequences=True), layers.SimpleRNN(5), layers.Dense(1, activation="sigmoid")
    )
    return _compiled(model, keras.optimizers.Adamax(0.01), "binary_crossentropy", ["accuracy"])


def _stopping(keras: Any) -> Any:
    dense = keras.layers.Dense
    model = _sequential(keras, (24,), dense(32, activation="tanh"), dense(1))
    return _compiled(model, keras.optimizers.Adam(0.03), "mse", ["mae"])


def _regularized(keras: Any) -> Any:
    layers, regularizers = keras.layers, keras.regularizers
    model = _sequential(
        keras,
        (100,),
        layers.Dense(
            16,
            activation="gelu",
            use_bias=False,
            kernel_regularizer=regularizers.L2(0.01),
            activity_regularizer=regularizers.L1(0.001),
            kernel_constraint=keras.constraints.MaxNorm(0.9),
        ),
        layers.BatchNormalization(),
        layers.Dense(10, activation="softmax", kernel_regularizer=regularizers.L1(0.001)),
    )
    optimizer = keras.optimizers.AdamW(0.005, weight_decay=0.02, global_clipnorm=1.0)
    return _compiled(model, optimizer, "sparse_categorical_crossentropy", ["accuracy"])


def _weighted(keras: Any) -> Any:
    dense = keras.layers.Dense
    model = _sequential(keras, (100,), dense(16, activation="relu"), dense(10, activation="softmax"))
    metrics = ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)]
    optimizer = keras.optimizers.Nadam(0.002)
    return _compiled(model, optimizer, "sparse_categorical_crossentropy", ["accuracy"], weighted_metrics=metrics)


def _by_class(keras: Any) -> Any:
    dense = keras.layers.Dense
    model = _sequential(keras, (24,), dense(8, activation="relu"), dense(1, activation="sigmoid"))
    return _compiled(
        model, keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "binary_crossentropy", ["accuracy"]
    )


def _member(rate: float, factor: float) -> MakeModel:
    def model(keras: Any) -> Any:
        dense, regularizer = keras.layers.Dense, keras.regularizers.L2(factor)
        layers = (dense(24, activation="relu", kernel_regularizer=regularizer), dense(10, activation="softmax"))
        loss = "sparse_categorical_crossentropy"
        return _compiled(_sequential(keras, (100,), *layers), keras.optimizers.Adam(rate), loss, ["accuracy"])

    return model


def _stop_early(keras: Any) -> list[Any]:
    return [keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)]


def _reduce(keras: Any) -> list[Any]:
    return [keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=0, min_delta=1000)]


_FILES = "data: {train: train.parquet, validation: test.parquet, "
_SPARSE = "loss: sparse_categorical_crossentropy, metrics: [accuracy]"

CASES: dict[str, Case] = {
    "binary with validation data": Case(
        spec=_FILES
        + """features: {pixels: {rescale: 0.00390625}}, target: yes}
model:
  - Dense: {units: 128, activation: relu}
  - Dense: {units: 64, activation: relu}
  - Dense: {units: 1, activation: sigmoid}
compile: {optimizer: {Adam: {learning_rate: 0.0005}}, loss: binary_crossentropy, metrics: [accuracy]}
fit: {epochs: 3, batch_size: 32, shuffle: false}
""",
        features="pixels", shape=(784,), target="yes", model=_binary, epochs=3,
    ),
    "dropout with a validation split": Case(
        spec="""
seed: 5
data: {train: train.parquet, features: [numbers], target: label}
model:
  - Dense: {units: 256, activation: relu}
  - Dropout: {rate: 0.3}
  - Dense: {units: 128, activation: relu}
  - Dense: {units: 10, activation: softmax}
compile: {optimizer: {RMSprop: {learning_rate: 0.001}}, loss: sparse_categorical_crossentropy, metrics: [accuracy]}
fit: {epochs: 3, batch_size: 25, validation_split: 0.2}
""",
        features="numbers", shape=(100,), target="label", model=_dropout, epochs=3, batch_size=25, seed=5,
        validation_rows=40, shuffled=True, ways=("graph", "eager"),
    ),
    "convolution": Case(
        spec=_FILES
        + f"""features: {{pixels: {{rescale: 0.00390625, shape: [28, 28, 1]}}}}, target: label}}
model:
  - Conv2D: {{filters: 8, kernel_size: 3, activation: relu}}
  - MaxPooling2D
  - Conv2D: {{filters: 16, kernel_size: 3, activation: relu, padding: same}}
  - AveragePooling2D: {{pool_size: 2}}
  - Flatten
  - Dense: {{units: 10, activation: softmax}}
compile:
  optimizer: {{SGD: {{learning_rate: {{ExponentialDecay: {{initial_learning_rate: 0.02, decay_steps: 5,
    decay_rate: 0.9}}}}, momentum: 0.9}}}}
  {_SPARSE.replace(", ", chr(10) + "  ")}
fit: {{epochs: 2, batch_size: 32, shuffle: false}}
""",
        features="pixels", shape=(28, 28, 1), target="label", model=_convolution, epochs=2,
    ),
    "lstm": Case(
        spec=_FILES
        + """features: {series: {shape: [6, 4]}}, target: score}
model: [{LSTM: {units: 12}}, {Dense: {units: 1}}]
compile: {optimizer: {Adam: {learning_rate: 0.01}}, loss: mse, metrics: [mae]}
fit: {epochs: 3, batch_size: 32, shuffle: false}
objective: {metric: val_loss, direction: minimize}
""",
        features="series", shape=STEPS, target="score", model=_lstm, epochs=3, ways=("graph",),
    ),
    "gru and simple rnn": Case(
        spec=_FILES
        + """features: {series: {shape: [6, 4]}}, target: yes}
model: [{GRU: {units: 6, return_sequences: true}}, {SimpleRNN: {units: 5}}, {Dense: {units: 1, activation: sigmoid}}]
compile: {optimizer: {Adamax: {learning_rate: 0.01}}, loss: binary_crossentropy, metrics: [accuracy]}
fit:
  epochs: 3
  batch_size: 32
  shuffle: false
  callbacks: [{ReduceLROnPlateau: {monitor: val_loss, factor: 0.5, patience: 0, min_delta: 1000}}]
""",
        features="series", shape=STEPS, target="yes", model=_gru, epochs=3, callbacks=_reduce, ways=("graph",),
    ),
    "early stopping": Case(
        spec=_FILES
        + """features: [series], target: score}
model: [{Dense: {units: 32, activation: tanh}}, {Dense: {units: 1}}]
compile: {optimizer: {Adam: {learning_rate: 0.03}}, loss: mse, metrics: [mae]}
fit:
  epochs: 40
  batch_size: 32
  shuffle: false
  callbacks: [{EarlyStopping: {monitor: val_loss, patience: 3, restore_best_weights: true}}]
""",
        features="series", shape=(24,), target="score", model=_stopping, epochs=40, callbacks=_stop_early,
    ),
    "regularized and normalized": Case(
        spec=_FILES
        + """features: [numbers], target: label}
model:
  - Dense: {units: 16, activation: gelu, use_bias: false, kernel_regularizer: {l2: 0.01},
            activity_regularizer: {l1: 0.001}, kernel_constraint: {MaxNorm: {max_value: 0.9}}}
  - BatchNormalization
  - Dense: {units: 10, activation: softmax, kernel_regularizer: {l1: 0.001}}
compile:
  optimizer: {AdamW: {learning_rate: 0.005, weight_decay: 0.02, global_clipnorm: 1.0}}
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
fit: {epochs: 3, batch_size: 29, shuffle: false}
""",
        features="numbers", shape=(100,), target="label", model=_regularized, epochs=3, batch_size=29,
    ),
    "weights of rows": Case(
        spec=_FILES
        + """features: [numbers], target: label, sample_weight: weight}
model: [{Dense: {units: 16, activation: relu}}, {Dense: {units: 10, activation: softmax}}]
compile:
  optimizer: {Nadam: {learning_rate: 0.002}}
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  weighted_metrics: [accuracy, {SparseTopKCategoricalAccuracy: {k: 2}}]
fit: {epochs: 3, batch_size: 32, shuffle: false}
""",
        features="numbers", shape=(100,), target="label", model=_weighted, epochs=3, sample_weight=True,
        ways=("graph",),
    ),
    "weights of classes": Case(
        spec=_FILES
        + """features: [series], target: yes}
model: [{Dense: {units: 8, activation: relu}}, {Dense: {units: 1, activation: sigmoid}}]
compile:
  optimizer: {SGD: {learning_rate: 0.05, momentum: 0.9, nesterov: true}}
  loss: binary_crossentropy
  metrics: [accuracy]
fit: {epochs: 3, batch_size: 500, shuffle: false, class_weight: {1: 3}}
""",
        features="series", shape=(24,), target="yes", model=_by_class, epochs=3, batch_size=500,
        fit={"class_weight": {0: 1.0, 1: 3.0}},
    ),
}  # fmt: skip

# The members of one pack, in the order of a grid: each trains as if it were alone.
MEMBERS = tuple((rate, factor) for rate in (0.001, 0.003) for factor in (0.01, 0.0001))
PACK_SPEC = (
    _FILES
    + """features: [numbers], target: label}
model:
  - Dense: {units: 24, activation: relu, kernel_regularizer: {L2: {l2: {choice: [0.01, 0.0001]}}}}
  - Dense: {units: 10, activation: softmax}
compile:
  optimizer: {Adam: {learning_rate: {choice: [0.001, 0.003]}}}
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
fit: {epochs: 3, batch_size: 29, shuffle: false, pack: 4}
search: {sampler: grid}
"""
)


def member_case(rate: float, factor: float) -> Case:
    """Return the case of a member of the pack, by its learning rate and its factor of regularization."""
    return Case(
        spec=PACK_SPEC, features="numbers", shape=(100,), target="label", model=_member(rate, factor), epochs=3,
        batch_size=29,
    )  # fmt: skip


def all_cases() -> dict[str, Case]:
    """Return every case that has a stored reference, by name."""
    return {**CASES, **{f"member {rate} {factor}": member_case(rate, factor) for rate, factor in MEMBERS}}
