"""Our shapes and parameter counts against models that the installed Keras builds, for every layer of the table."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.shapes import ShapeProblem, count_parameters, output_shape
from seqjobs.jobspec.shapes._base import Shape
from seqjobs.tables import LAYERS, Named
from tests.each_case import each_case

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def as_in_a_worker(runner: object) -> None:
    """TensorFlow's settings cannot change once it is used, and deterministic ops want a seed."""
    assert runner is not None
    keras.utils.set_random_seed(0)


STEPS: Shape = (12, 6)
IMAGE: Shape = (15, 13, 4)
VOLUME: Shape = (9, 8, 7, 4)
VALUES: Shape = (10,)
OF_RANK: dict[int, Shape] = {1: STEPS, 2: IMAGE, 3: VOLUME}
ANY_STEPS: Shape = (None, 6)

Case = tuple[object, Shape]


def convolutions() -> list[Case]:
    cases: list[Case] = []
    for rank, shape in OF_RANK.items():
        for more in (
            {},
            {"strides": 2, "use_bias": False},
            {"padding": "same", "dilation_rate": 2},
            {"padding": "same", "strides": 3},
            {"kernel_size": [2, 3, 1][:rank] if rank > 1 else 4},
        ):
            cases.append(({f"Conv{rank}D": {"filters": 8, "kernel_size": 3, **more}}, shape))
            cases.append(({f"Conv{rank}DTranspose": {"filters": 5, "kernel_size": 3, **more}}, shape))
            if rank < 3:
                own = {"kernel_size": 3, "depth_multiplier": 2, **more}
                cases.append(({f"DepthwiseConv{rank}D": own}, shape))
                cases.append(({f"SeparableConv{rank}D": {"filters": 7, **own}}, shape))
        cases.append(({f"Conv{rank}D": {"filters": 8, "kernel_size": 1, "groups": 2}}, shape))
        for padding in ("valid", "same"):
            extra = {"padding": padding, "strides": 3, "output_padding": 1}
            cases.append(({f"Conv{rank}DTranspose": {"filters": 2, "kernel_size": 4, **extra}}, shape))
    cases.append(({"Conv1D": {"filters": 3, "kernel_size": 5, "padding": "causal", "strides": 2}}, STEPS))
    cases.append(({"Conv1D": {"filters": 3, "kernel_size": 5}}, ANY_STEPS))
    cases.append(({"Conv2D": {"filters": 3, "kernel_size": 5, "padding": "same", "strides": 2}}, (None, 13, 4)))
    cases.append(({"Conv1DTranspose": {"filters": 3, "kernel_size": 5}}, ANY_STEPS))
    return cases


def poolings() -> list[Case]:
    cases: list[Case] = []
    for rank, shape in OF_RANK.items():
        for kind in ("Max", "Average"):
            for more in ({}, {"strides": 1}, {"padding": "same", "strides": 3}, {"pool_size": 3, "padding": "same"}):
                cases.append(({f"{kind}Pooling{rank}D": {"pool_size": 2, **more}}, shape))
            cases.append((f"Global{kind}Pooling{rank}D", shape))
            cases.append(({f"Global{kind}Pooling{rank}D": {"keepdims": True}}, shape))
    cases.append(({"MaxPooling1D": {"pool_size": 2}}, ANY_STEPS))
    return cases


RECURRENT_ARGUMENTS: list[dict[str, object]] = [
    {},
    {"return_sequences": True},
    {"use_bias": False},
    {"go_backwards": True, "dropout": 0.1},
]


def recurrents() -> list[Case]:
    cases: list[Case] = []
    for name in ("SimpleRNN", "LSTM", "GRU"):
        for arguments in RECURRENT_ARGUMENTS:
            cases.append(({name: {"units": 5, **arguments}}, STEPS))
        cases.append(({name: {"units": 5, "return_sequences": True}}, ANY_STEPS))
        cases.append(({"Bidirectional": {"layer": {name: {"units": 3}}}}, STEPS))
    cases.append(({"GRU": {"units": 5, "reset_after": False}}, STEPS))
    for more in ({}, {"return_sequences": True, "padding": "same"}, {"strides": 2, "use_bias": False}):
        cases.append(({"ConvLSTM1D": {"filters": 3, "kernel_size": 3, **more}}, (4, 10, 2)))
        cases.append(({"ConvLSTM2D": {"filters": 3, "kernel_size": [3, 2], **more}}, (4, 10, 9, 2)))
    summed = {"layer": {"LSTM": {"units": 3, "return_sequences": True}}, "merge_mode": "sum"}
    twice = {"TimeDistributed": {"layer": {"Dense": {"units": 2}}}}
    return [
        *cases,
        ({"Bidirectional": summed}, STEPS),
        ({"Bidirectional": {"layer": {"ConvLSTM1D": {"filters": 3, "kernel_size": 3}}}}, (4, 10, 2)),
        ({"TimeDistributed": {"layer": {"Dense": {"units": 3}}}}, STEPS),
        ({"TimeDistributed": {"layer": {"Conv2D": {"filters": 3, "kernel_size": 3}}}}, (5, *IMAGE)),
        ({"TimeDistributed": {"layer": "Flatten"}}, (5, *IMAGE)),
        ({"TimeDistributed": {"layer": twice}}, (5, 3, 4)),
    ]


DENSE: list[Case] = [
    ({"Dense": {"units": 3}}, VALUES),
    ({"Dense": {"units": 3, "use_bias": False, "activation": "relu"}}, IMAGE),
    ({"Embedding": {"input_dim": 100, "output_dim": 8}}, VALUES),
    ({"Embedding": {"input_dim": 100, "output_dim": 8}}, (5, 6)),
    ({"EinsumDense": {"equation": "ab,bc->ac", "output_shape": 7, "bias_axes": "c"}}, VALUES),
    ({"EinsumDense": {"equation": "abc,cd->abd", "output_shape": [None, 7], "bias_axes": "d"}}, STEPS),
    ({"EinsumDense": {"equation": "abc,cde->abde", "output_shape": [12, 7, 2], "bias_axes": "de"}}, STEPS),
    ({"EinsumDense": {"equation": "...x,xy->...y", "output_shape": 7, "bias_axes": "y"}}, STEPS),
    ({"EinsumDense": {"equation": "...x,xy->...y", "output_shape": 7, "bias_axes": "y"}}, (9, 9, 4)),
    ({"EinsumDense": {"equation": "ab...,bc->ac...", "output_shape": 7, "bias_axes": "c"}}, IMAGE),
    ({"EinsumDense": {"equation": "abc,cd->abd", "output_shape": [None, 7]}}, ANY_STEPS),
]

RESHAPING: list[Case] = [
    *(("Flatten", shape) for shape in (VALUES, IMAGE, ANY_STEPS)),
    ({"Reshape": {"target_shape": [6, 12]}}, STEPS),
    ({"Reshape": {"target_shape": [-1, 8]}}, STEPS),
    ({"Reshape": {"target_shape": [-1, 3]}}, ANY_STEPS),
    ({"Permute": {"dims": [3, 1, 2]}}, IMAGE),
    ({"RepeatVector": {"n": 3}}, VALUES),
    *(({f"ZeroPadding{rank}D": None}, shape) for rank, shape in OF_RANK.items()),
    *(({f"ZeroPadding{rank}D": {"padding": 2}}, shape) for rank, shape in OF_RANK.items()),
    ({"ZeroPadding1D": {"padding": [0, 3]}}, STEPS),
    ({"ZeroPadding2D": {"padding": [[1, 0], [2, 3]]}}, IMAGE),
    ({"ZeroPadding2D": {"padding": [1, 2]}}, IMAGE),
    ({"ZeroPadding3D": {"padding": [[1, 0], 2, [0, 4]]}}, VOLUME),
    *(({f"Cropping{rank}D": None}, shape) for rank, shape in OF_RANK.items()),
    ({"Cropping1D": {"cropping": [2, 3]}}, ANY_STEPS),
    ({"Cropping2D": {"cropping": [[1, 0], 3]}}, IMAGE),
    *(({f"UpSampling{rank}D": {"size": 3}}, shape) for rank, shape in OF_RANK.items()),
    ({"UpSampling2D": {"size": [1, 3], "interpolation": "bilinear"}}, IMAGE),
]

NORMALIZATION: list[Case] = [
    ("BatchNormalization", IMAGE),
    ({"BatchNormalization": {"axis": 1, "scale": False}}, STEPS),
    ({"BatchNormalization": {"center": False}}, ANY_STEPS),
    ("LayerNormalization", STEPS),
    ({"LayerNormalization": {"axis": [1, 2], "center": False}}, STEPS),
    ({"GroupNormalization": {"groups": 2}}, IMAGE),
    ({"GroupNormalization": {"groups": -1, "scale": False}}, IMAGE),
    ("UnitNormalization", STEPS),
    ({"UnitNormalization": {"axis": [1, 2]}}, STEPS),
    ("RMSNormalization", STEPS),
    ({"RMSNormalization": {"axis": 1}}, STEPS),
    *((name, STEPS) for name in ("ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax", "ActivityRegularization")),
    ({"PReLU": {"shared_axes": [1, 2]}}, IMAGE),
    ({"Softmax": {"axis": 1}}, STEPS),
    ({"Activation": {"activation": "tanh"}}, IMAGE),
    *(({name: {"rate": 0.3}}, STEPS) for name in ("Dropout", "AlphaDropout", "GaussianDropout")),
    *(({f"SpatialDropout{rank}D": {"rate": 0.2}}, shape) for rank, shape in OF_RANK.items()),
    ({"GaussianNoise": {"stddev": 0.2}}, STEPS),
    ({"Rescaling": {"scale": 0.5}}, VALUES),
    ({"Rescaling": {"scale": [1, 2, 3, 4], "offset": [0, 1, 0, 1]}}, IMAGE),
    ({"Normalization": {"mean": 1, "variance": 2}}, IMAGE),
    ({"Normalization": {"mean": [1, 2, 3, 4], "variance": [1, 1, 1, 1]}}, IMAGE),
    ({"Resizing": {"height": 8, "width": 5}}, IMAGE),
    ({"CenterCrop": {"height": 8, "width": 5}}, IMAGE),
    ("RandomFlip", IMAGE),
    *(({name: {"factor": 0.2}}, IMAGE) for name in ("RandomRotation", "RandomContrast", "RandomBrightness")),
    ({"RandomZoom": {"height_factor": [-0.2, 0.1]}}, IMAGE),
    ({"RandomTranslation": {"height_factor": 0.1, "width_factor": 0.2}}, IMAGE),
]

CASES = [*DENSE, *convolutions(), *poolings(), *recurrents(), *RESHAPING, *NORMALIZATION]

# Layers and input shapes that neither we nor Keras accept.
REFUSED: list[Case] = [
    ({"Conv2D": {"filters": 3, "kernel_size": 3}}, VALUES),
    ({"Conv2D": {"filters": 3, "kernel_size": 16}}, IMAGE),
    ({"Conv2D": {"filters": 6, "kernel_size": 3, "groups": 3}}, IMAGE),
    ({"Conv1D": {"filters": 3, "kernel_size": 7, "dilation_rate": 2}}, STEPS),
    ({"MaxPooling2D": {"pool_size": 14}}, IMAGE),
    ({"GlobalMaxPooling2D": None}, STEPS),
    ({"LSTM": {"units": 3}}, VALUES),
    ({"LSTM": {"units": 3}}, IMAGE),
    ({"ConvLSTM2D": {"filters": 3, "kernel_size": 3}}, IMAGE),
    ({"TimeDistributed": {"layer": {"Dense": {"units": 3}}}}, VALUES),
    ({"Bidirectional": {"layer": {"LSTM": {"units": 3}}}}, VALUES),
    ({"RepeatVector": {"n": 3}}, STEPS),
    ({"Reshape": {"target_shape": [5, 5]}}, STEPS),
    ({"Reshape": {"target_shape": [-1, 5]}}, STEPS),
    ({"Permute": {"dims": [2, 1]}}, IMAGE),
    ({"Cropping1D": {"cropping": [6, 6]}}, STEPS),
    ({"ZeroPadding2D": {"padding": 1}}, STEPS),
    ({"UpSampling3D": {"size": 2}}, IMAGE),
    ({"GroupNormalization": {"groups": 3}}, IMAGE),
    ({"GroupNormalization": {"groups": 8}}, IMAGE),
    ({"LayerNormalization": {"axis": 3}}, STEPS),
    ({"BatchNormalization": {"axis": 1}}, ANY_STEPS),
    ({"SpatialDropout1D": {"rate": 0.2}}, IMAGE),
    ({"EinsumDense": {"equation": "abc,cd->abd", "output_shape": [11, 7]}}, STEPS),
    ({"EinsumDense": {"equation": "abc,cd->abd", "output_shape": [None, 7]}}, VALUES),
    ({"Dense": {"units": 2}}, (3, None)),
    ({"Normalization": {"mean": 1, "variance": 1}}, (3, None)),
]


def parsed(written: object) -> Named:
    problems = Problems()
    layer = LAYERS.parse(written, ("model", 0), problems)
    assert layer is not None, [problem.what for problem in problems]
    return layer


def built(named: Named) -> Any:
    namespaces = {"layer": keras.layers, "activation": keras.activations, "initializer": keras.initializers}
    target = getattr(namespaces[named.table], named.name)
    if named.table == "activation":
        return target
    return target(
        **{key: built(value) if isinstance(value, Named) else value for key, value in named.arguments.items()}
    )


def name_of(value: object) -> str | None:
    if isinstance(value, dict):
        return str(next(iter(value)))
    return value if isinstance(value, str) else None


@each_case(CASES)
def test_shape_and_parameters_are_those_of_keras(written: object, shape: Shape) -> None:
    layer = parsed(written)
    model = keras.Sequential([keras.Input(shape), built(layer)])
    assert output_shape(layer, shape) == tuple(model.output_shape[1:])
    assert count_parameters([layer], shape) == model.count_params()


@each_case(REFUSED)
def test_what_we_refuse_keras_refuses(written: object, shape: Shape) -> None:
    layer = parsed(written)
    with pytest.raises(ShapeProblem):
        output_shape(layer, shape)
    with pytest.raises((ValueError, TypeError, IndexError)):
        keras.Sequential([keras.Input(shape), built(layer)])


def test_dots_for_axes_that_keras_would_reverse_are_refused() -> None:
    layer = parsed({"EinsumDense": {"equation": "...x,xy->...y", "output_shape": 7}})
    model = keras.Sequential([keras.Input(IMAGE), built(layer)])
    believed, real = model.output_shape, model(keras.ops.ones((1, *IMAGE))).shape
    assert tuple(believed[1:]) != tuple(real[1:]), "Keras has fixed this: allow it again"
    with pytest.raises(ShapeProblem, match="reverses"):
        output_shape(layer, IMAGE)


def test_every_layer_of_the_table_is_tried() -> None:
    assert {name_of(written) for written, _ in CASES} == set(LAYERS.entries)
