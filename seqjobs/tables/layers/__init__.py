"""The layers of a model."""

from __future__ import annotations

from seqjobs.errors.problems import Path, Problems
from seqjobs.tables._base import Named, Table, left_out, table_of
from seqjobs.tables.arguments import is_list
from seqjobs.tables.layers.activation import ACTIVATION
from seqjobs.tables.layers.convolution import CONVOLUTION
from seqjobs.tables.layers.dense import DENSE
from seqjobs.tables.layers.normalization import NORMALIZATION
from seqjobs.tables.layers.pooling import POOLING
from seqjobs.tables.layers.preprocessing import IMAGES, SCALING
from seqjobs.tables.layers.recurrent import RECURRENT
from seqjobs.tables.layers.regularization import REGULARIZATION
from seqjobs.tables.layers.reshaping import RESHAPING
from seqjobs.tables.layers.wrappers import wrappers

MAX_LAYERS = 1000


def _layers() -> Table:
    return LAYERS


_ENTRIES = table_of(
    DENSE,
    CONVOLUTION,
    POOLING,
    RESHAPING,
    NORMALIZATION,
    REGULARIZATION,
    RECURRENT,
    wrappers(_layers),
    ACTIVATION,
    SCALING,
    IMAGES,
)

_FOREIGN = (
    *("FlaxLayer", "JaxLayer", "Lambda", "Layer", "Pipeline", "TFSMLayer", "TorchModuleWrapper", "Wrapper"),
    *("RNN", "StackedRNNCells", "SpectralNormalization"),
)
_SEVERAL_INPUTS = (
    *("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"),
    *("AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention", "HashedCrossing"),
)
_COLUMNS = ("CategoryEncoding", "Discretization", "Hashing")
_MIXES = ("AugMix", "CutMix", "MaxNumBoundingBoxes", "MixUp", "RandAugment")
_MORE_IMAGES = (
    *("AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization", "RandomColorDegeneration"),
    *("RandomColorJitter", "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur"),
    *("RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization"),
    *("RandomSaturation", "RandomSharpness", "RandomShear", "Solarization"),
)
_NOT_YET = (
    *(f"Adaptive{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3)),
    *("ConvLSTM3D", "Identity", "Masking", "MelSpectrogram", "ReversibleEmbedding", "STFTSpectrogram"),
)

LAYERS = Table(
    name="layer",
    entries=_ENTRIES,
    unknown_code="E301",
    left_out={
        **left_out("it runs code, or reads files, that it is given", *_FOREIGN, code="E702"),
        **left_out(
            "it may read its vocabulary from a file; the data section turns text into numbers",
            *("IntegerLookup", "StringLookup", "TextVectorization"),
            code="E703",
        ),
        **left_out("it is a part of a recurrent layer", "GRUCell", "LSTMCell", "SimpleRNNCell"),
        **left_out("it takes several inputs, and a Sequential model passes on one", *_SEVERAL_INPUTS),
        **left_out("the input's shape comes from the data section", "Input", "InputLayer", "InputSpec"),
        **left_out("the data section turns columns into numbers", *_COLUMNS),
        **left_out("it changes labels or boxes together with the images", *_MIXES),
        **left_out("only the most used layers that vary images are offered", *_MORE_IMAGES),
        **left_out("no spec has needed it yet", *_NOT_YET),
    },
    left_out_arguments={
        "data_format": "channels are on the last axis",
        "seed": "seeds come from the trial",
        "name": "names are given by seqjobs",
        "dtype": "the precision is the same for the whole model",
        "autocast": "the precision is the same for the whole model",
        "trainable": "a model starts from its initializers, so all its weights are trained",
        "activity_regularizer": "add an ActivityRegularization layer after it",
        "input_shape": "the input's shape comes from the data section",
        "input_dim": "the input's shape comes from the data section",
        "batch_size": "the batch size is an argument of fit",
        "lora_rank": "it is for models trained before",
        "lora_alpha": "it is for models trained before",
        "quantization_config": "quantization is not offered",
    },
)


def parse_layers(value: object, path: Path, problems: Problems) -> tuple[Named, ...] | None:
    """The layers of a spec's list, or None once their problems are noted."""
    if not is_list(value):
        problems.add("E205", path, "expected a list of layers", got=value, fix="write each layer after a dash")
        return None
    if not value:
        problems.add("E308", path, "a model needs at least one layer", fix="add a layer, such as - Dense: {units: 1}")
        return None
    if len(value) > MAX_LAYERS:
        what = f"a model may have {MAX_LAYERS:,} layers, not {len(value):,}"
        problems.add("E503", path, what, fix="make the model smaller")
        return None
    layers = [LAYERS.parse(layer, (*path, index), problems) for index, layer in enumerate(value)]
    known = tuple(layer for layer in layers if layer is not None)
    return known if len(known) == len(layers) else None
