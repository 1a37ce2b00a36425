"""Dense layers and embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry, Named
from seqjobs.tables.activations import activation
from seqjobs.tables.arguments import Flag, Integer, OneOrMore, Optional, Pattern
from seqjobs.tables.layers._weights import BIAS, OUTPUT, SIZE, rank_misfit, weight

# Dots stand for axes that pass through, on the left of input and output or on the right of both.
_EQUATION = "|".join(
    (
        r"[A-Za-z]+,[A-Za-z]+->[A-Za-z]+",
        r"\.\.\.[A-Za-z]+,[A-Za-z]+->\.\.\.[A-Za-z]+",
        r"[A-Za-z]{2,}\.\.\.,[A-Za-z]+->[A-Za-z]+\.\.\.",
    )
)


def _letters_fit(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    """What Keras would say of the equation when it builds the layer."""
    equation, axes = str(arguments["equation"]), arguments["bias_axes"]
    left, _, output = equation.replace(".", "").partition("->")
    inputs, _, kernel = left.partition(",")
    parts = {"input": inputs, "kernel": kernel, "output": output}
    for name, letters in parts.items():
        if len(set(letters)) < len(letters):
            yield Conflict(
                "equation", f"a letter occurs twice in the {name} '{letters}'", "give each axis its own letter"
            )
    if not equation.startswith("...") and inputs[0] != output[0]:
        what = f"the batch '{inputs[0]}' is first in the input and not in the output '{output}'"
        yield Conflict("equation", what, f"begin the output with '{inputs[0]}'")
    if inputs[0] in kernel and not equation.startswith("..."):
        yield Conflict("equation", f"the batch '{inputs[0]}' is in the kernel", "take it out of the kernel")
    for letter in sorted(set(output) - set(inputs) - set(kernel)):
        yield Conflict("equation", f"output axis '{letter}' is in neither input nor kernel", "take it out, or add it")
    for letter in sorted(set(kernel) - set(inputs) - set(output)):
        yield Conflict("equation", f"kernel axis '{letter}' is in neither input nor output", "take it out, or add it")
    for name in ("kernel_initializer", "kernel_regularizer", "kernel_constraint"):
        value = arguments[name]
        if isinstance(value, Named) and (misfit := rank_misfit(value, len(kernel))):
            yield Conflict(name, misfit, f"use another {value.table}")
    for letter in sorted(set(str(axes)) - set(output)) if axes else ():
        what = f"bias axis '{letter}' is not an axis of the output '{output}'"
        yield Conflict("bias_axes", what, "use letters that follow the arrow in the equation")


DENSE = (
    Entry("Dense", "a weighted sum of the last axis", {"units": SIZE, **weight("kernel", rank=2), **BIAS, **OUTPUT}),
    Entry(
        "EinsumDense",
        "a weighted sum in Einstein's notation",
        {
            "equation": Argument(Pattern(_EQUATION, "an equation of input, kernel and output, such as ab,bc->ac")),
            "output_shape": Argument(OneOrMore(Optional(Integer(at_least=1)), longest=6)),
            "activation": activation(None),
            "bias_axes": Argument(Optional(Pattern("[A-Za-z]{1,6}", "letters of the output, such as c")), None),
            **weight("kernel", rank=0),
            **weight("bias", "zeros", rank=1),
        },
        rules=(_letters_fit,),
        left_out={"gptq_unpacked_column_size": "quantization is not offered"},
    ),
    Entry(
        "Embedding",
        "one vector for each of the numbers below input_dim",
        {
            "input_dim": Argument(Integer(at_least=1, absurd=10**9)),
            "output_dim": SIZE,
            **weight("embeddings", "uniform", rank=2),
            "mask_zero": Argument(Flag(), False),
        },
        left_out={"weights": "a model starts from its initializers"},
    ),
)
