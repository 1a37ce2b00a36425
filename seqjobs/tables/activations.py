"""Activation functions, by name alone."""

from __future__ import annotations

from seqjobs.errors.problems import Path, Problems
from seqjobs.tables._base import (
    INVALID,
    Argument,
    Entry,
    Invalid,
    JsonValue,
    Kind,
    Named,
    Table,
    left_out,
    part,
    table_of,
)
from seqjobs.tables.arguments import Nested

_DOCS = {
    "celu": "continuously differentiable exponential linear unit",
    "elu": "exponential linear unit",
    "exponential": "exp(x)",
    "gelu": "Gaussian error linear unit, exact",
    "hard_shrink": "0 within 0.5 of zero, else x",
    "hard_sigmoid": "piecewise linear approximation of sigmoid",
    "hard_silu": "x * hard_sigmoid(x)",
    "hard_tanh": "x clipped to [-1, 1]",
    "leaky_relu": "x, or 0.2 x where negative",
    "linear": "x",
    "log_sigmoid": "log(sigmoid(x))",
    "log_softmax": "log(softmax(x)) over the last axis",
    "mish": "x * tanh(softplus(x))",
    "relu": "max(x, 0)",
    "relu6": "min(max(x, 0), 6)",
    "selu": "scaled exponential linear unit",
    "sigmoid": "1 / (1 + exp(-x))",
    "silu": "x * sigmoid(x)",
    "soft_shrink": "x moved 0.5 towards zero",
    "softmax": "probabilities over the last axis",
    "softplus": "log(exp(x) + 1)",
    "softsign": "x / (abs(x) + 1)",
    "sparse_plus": "quadratic approximation of softplus",
    "sparse_sigmoid": "piecewise linear approximation of sigmoid, exactly 0 and 1 outside [-1, 1]",
    "sparsemax": "sparse probabilities over the last axis",
    "squareplus": "(x + sqrt(x^2 + 4)) / 2",
    "tanh": "hyperbolic tangent",
    "tanh_shrink": "x - tanh(x)",
}

ACTIVATIONS = Table(
    name="activation",
    entries=table_of([Entry(name, doc) for name, doc in _DOCS.items()]),
    aliases={"swish": "silu", "hard_swish": "hard_silu"},
    names_only=True,
    left_out={
        **left_out("it needs arguments, and an activation is a name alone", "threshold"),
        **left_out("it halves the last axis of its input", "glu"),
    },
    # Their arguments keep Keras's defaults; the layers ReLU, LeakyReLU, ELU and Softmax take some.
    left_out_arguments=dict.fromkeys(
        ("x", "alpha", "approximate", "axis", "b", "max_value", "negative_slope", "threshold"),
        "an activation is a name alone",
    ),
)


@part
class Activation(Kind):
    """An activation's name, or null; `linear` is what Keras takes null for, so both are null here."""

    @property
    def expected(self) -> str:
        return "the name of an activation, or null"

    def check(self, value: object, path: Path, problems: Problems) -> Named | Invalid | None:
        if value is None:
            return None
        named = ACTIVATIONS.parse(value, path, problems)
        if named is None:
            return INVALID
        return None if named.name == "linear" else named

    def json_schema(self) -> dict[str, JsonValue]:
        return {"anyOf": [{"$ref": "#/$defs/activation"}, {"type": "null"}]}


def activation(default: str | None) -> Argument:
    """An argument that takes an activation."""
    return Argument(Activation(), None if default is None else ACTIVATIONS.named(default))


REQUIRED_ACTIVATION = Argument(Nested(ACTIVATIONS))
