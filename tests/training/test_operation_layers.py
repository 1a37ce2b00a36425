"""Where Keras has a preprocessing layer for it, an operation computes what the layer does, and learns what it adapts.

The layers are made here as Keras's documentation describes them, not by the operations. What an operation does
otherwise in a corner, it says itself; those corners are here too.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pytest

from seqjobs.operations import OPERATION_CLASSES, Operation
from seqjobs.operations.arrays import Array

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

RANDOM = np.random.default_rng(11)
# Letters whose small ones lie in other planes, combining marks, punctuation of ASCII and of others, every white space.
PIECES = [
    *(
        "a",
        "B",
        "É",
        "é",
        "e\u0301",
        "\u0130",
        "\u0131",
        "ß",
        "ẞ",
        "Σ",
        "ς",
        "中",
        "한",
        "\U0001f600",
        "\U00010400",
        "9",
    ),
    *"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    *("\u2019", "\u00bf", "\u2014", "\u3002", "\u00ab"),
    *(
        " ",
        "  ",
        "\t",
        "\n",
        "\r",
        "\x0b",
        "\x0c",
        "\x1c",
        "\x1f",
        "\x85",
        "\xa0",
        "\u2028",
        "\u3000",
        "\ufeff",
        "\x00x",
    ),
]
TEXTS = [
    *("", " ", "...", "Don't stop", "[UNK]", "a\x1cb", "x" * 3000, "İzmir IZMIR", " lead", "trail\n", "A,b;C a b c"),
    *("".join(RANDOM.choice(PIECES, size)) for size in RANDOM.integers(1, 25, 400)),
]
WORDS = ["", " ", "a", "A", "é", "e\u0301", "[UNK]", "中文", "x" * 500, "a b", "a\nb", "a\0b", "1", "1.0"]


def learned(name: str, values: Any, **arguments: Any) -> Operation:
    """Return an operation that has learned from a column, in two parts."""
    operation = OPERATION_CLASSES[name].of(**arguments)
    learner = operation.learner()
    if learner is None:
        return operation
    learner.add(values[: len(values) // 2])
    learner.add(values[len(values) // 2 :])
    found = learner.finish()
    assert found is not None
    return found


def applied(operation: Operation, values: Any) -> Array:
    found = operation.apply(values, lambda _wrong, _rows: None)
    assert isinstance(found, np.ndarray)
    return found


def strings(texts: list[str]) -> Any:
    return keras.ops.reshape(keras.ops.convert_to_tensor(texts, dtype="string"), (-1, 1))


@pytest.mark.parametrize(
    ("lowercase", "standardize"), [(True, "lower_and_strip_punctuation"), (False, "strip_punctuation")]
)
def test_tokens_are_those_of_text_vectorization(*, lowercase: bool, standardize: str) -> None:
    operation: Any = learned("tokens", pa.array(TEXTS), length=6, lowercase=lowercase, vocabulary=60)
    layer = keras.layers.TextVectorization(
        standardize=standardize, split="whitespace", output_sequence_length=6, vocabulary=list(operation.words)
    )
    np.testing.assert_array_equal(applied(operation, pa.array(TEXTS)), layer(strings(TEXTS)))


def test_tokens_learns_the_words_that_text_vectorization_adapts() -> None:
    """In the order of frequency; words that are equally frequent have another order among themselves."""
    texts = [text for text in TEXTS if "\0" not in text]
    operation: Any = learned("tokens", pa.array(texts), length=6, vocabulary=100_000)
    layer = keras.layers.TextVectorization()
    layer.adapt(strings(texts))
    adapted = layer.get_vocabulary(include_special_tokens=False)
    assert len(operation.words) == len(adapted)
    assert set(operation.words) == set(adapted)
    counts = [word for text in texts for word in keras_words(text)]
    assert [counts.count(word) for word in operation.words] == [counts.count(word) for word in adapted]


def keras_words(text: str) -> list[str]:
    """Return the words of a text, one by one, as the layer's own steps make them."""
    layer = keras.layers.TextVectorization()
    return [word.decode() for word in layer._preprocess(strings([text])).flat_values.numpy()]


@pytest.mark.parametrize("unseen", ["other", "error"])
def test_index_and_one_hot_are_string_lookup_and_category_encoding(unseen: str) -> None:
    column = [*WORDS, *RANDOM.choice(WORDS, 60)]
    rows = column if unseen == "error" else [*column, "new", "A "]
    index: Any = learned("index", pa.array(column), unseen=unseen)
    lookup = keras.layers.StringLookup(
        vocabulary=list(index.categories), mask_token=None, oov_token="(other)", num_oov_indices=index.first
    )
    expected = lookup(strings(rows))
    np.testing.assert_array_equal(applied(index, pa.array(rows)), expected)
    encoded = keras.layers.CategoryEncoding(index.num_categories, output_mode="one_hot")(expected)
    one_hot = learned("one_hot", pa.array(column), unseen=unseen)
    np.testing.assert_array_equal(applied(one_hot, pa.array(rows)), encoded)


@pytest.mark.parametrize("dtype", ["int8", "int64"])
def test_index_of_whole_numbers_is_integer_lookup(dtype: str) -> None:
    numbers = RANDOM.integers(-5, 5, 200).astype(dtype)
    if dtype == "int64":
        numbers[:40] = RANDOM.choice([2**63 - 1, -(2**63), 2**53 + 1, 2**53, 0, -1], 40)
    operation: Any = learned("index", pa.array(numbers))
    layer = keras.layers.IntegerLookup(
        vocabulary=[int(text) for text in operation.categories], mask_token=None, oov_token=-77
    )
    rows = np.concatenate([numbers, np.array([99, -99], dtype)])
    np.testing.assert_array_equal(applied(operation, pa.array(rows)), layer(rows.astype(np.int64).reshape(-1, 1)))


@pytest.mark.parametrize("seed", [0, 1, 9_999_999])
@pytest.mark.parametrize("buckets", [2, 1000, 9_999_991])
def test_hash_is_hashing(buckets: int, seed: int) -> None:
    layer = keras.layers.Hashing(buckets, salt=seed)
    operation = learned("hash", None, buckets=buckets, seed=seed)
    np.testing.assert_array_equal(applied(operation, pa.array(TEXTS)), layer(strings(TEXTS)))
    numbers = np.array([0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)], np.int64)
    expected = layer(numbers.reshape(-1, 1))
    np.testing.assert_array_equal(applied(operation, pa.array(numbers)), expected)
    whole = numbers[:3].astype(np.float64)
    np.testing.assert_array_equal(applied(operation, pa.array(whole)), layer(whole.reshape(-1, 1)))


def test_standardize_is_normalization() -> None:
    values = RANDOM.normal(3, 2, (100, 3))
    operation: Any = learned("standardize", values)
    layer = keras.layers.Normalization()
    layer.adapt(values)
    np.testing.assert_allclose(applied(operation, values), layer(values), rtol=1e-5, atol=1e-6)
    exact = keras.layers.Normalization(mean=operation.mean, variance=np.square(operation.deviation), dtype="float64")
    np.testing.assert_allclose(applied(operation, values), exact(values), rtol=1e-6, atol=1e-6)


def test_a_constant_column_is_0_for_both_and_has_no_huge_neighbours_for_one() -> None:
    values = np.full((10, 1), 0.1)
    operation = learned("standardize", values)
    layer = keras.layers.Normalization(mean=[0.1], variance=[0.0])
    new = np.array([[0.1], [1.1]])
    np.testing.assert_allclose(applied(operation, new), [[0], [1]], atol=1e-12)
    np.testing.assert_allclose(layer(new), np.array([[0.0], [1e7]]), rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("boundaries", [[0.5], [-1.5, 0.1, 0.25, 2024.5], [-1e30, 1e30]])
def test_bucketize_is_discretization(boundaries: list[float]) -> None:
    near = [np.nextafter(boundaries, np.inf), np.nextafter(boundaries, -np.inf)]
    far = [np.nextafter(np.array(boundaries, np.float32), np.float32(end)) for end in (-np.inf, np.inf)]
    values = np.concatenate([boundaries, *near, *far, [1e300, -0.0, -1e-30]]).reshape(-1, 1)
    operation = learned("bucketize", None, boundaries=boundaries)
    np.testing.assert_array_equal(applied(operation, values), keras.layers.Discretization(boundaries)(values))


def test_quantiles_are_those_that_discretization_estimates() -> None:
    values = RANDOM.normal(size=(10_000, 1))
    operation: Any = learned("bucketize", values, quantiles=4)
    layer = keras.layers.Discretization(num_bins=4, epsilon=0.001)
    layer.adapt(values)
    np.testing.assert_allclose(operation.boundaries, layer.bin_boundaries, atol=0.01)


@pytest.mark.parametrize("factor", [1 / 255, -2.0, 0.0, 1e30])
def test_rescale_is_rescaling(factor: float) -> None:
    values = np.array([[0.0], [255.0], [-1e-9], [np.nan]])
    layer = keras.layers.Rescaling(factor)
    np.testing.assert_allclose(applied(learned("rescale", None, factor=factor), values), layer(values), rtol=1e-6)
