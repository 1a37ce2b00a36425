"""Shapes of dense layers and embeddings."""

from __future__ import annotations

from collections.abc import Mapping

from seqjobs.jobspec.shapes._base import Arguments, Rule, Shape, ShapeProblem, Traced, WeightShape, known


def _dense(arguments: Arguments, shape: Shape) -> Traced:
    if not shape:
        raise ShapeProblem("needs at least one axis", "put Reshape: {target_shape: [1]} before it")
    units = arguments.integer("units")
    weights: dict[str, WeightShape] = {"kernel": (known(shape[-1], "features"), units)}
    if arguments.given("use_bias"):
        weights["bias"] = (units,)
    return Traced((*shape[:-1], units), weights)


def _embedding(arguments: Arguments, shape: Shape) -> Traced:
    rows, width = arguments.integer("input_dim"), arguments.integer("output_dim")
    return Traced((*shape, width), {"embeddings": (rows, width)})


def _einsum(arguments: Arguments, shape: Shape) -> Traced:
    left, _, output = arguments.word("equation").partition("->")
    inputs, _, kernel = left.partition(",")
    left_elided = inputs.startswith("...")
    inputs, output, elided = inputs.strip("."), output.strip("."), "..." in inputs
    # The letters of an equation count the batch, which takes the size None here.
    whole: Shape = (None, *shape)
    num_elided = len(whole) - len(inputs)
    if num_elided < 0 or (num_elided and not elided):
        needs = f"needs {'at least ' if elided else ''}{len(inputs) - 1} axes for its equation"
        raise ShapeProblem(needs, "write an equation with the input's axes, the batch first")
    if left_elided and whole[1:num_elided] != whole[1:num_elided][::-1]:
        # Keras 3.15.1 inserts them one before the other, and so believes in an output that the layer does not have.
        raise ShapeProblem(
            "needs axes of equal size for the dots of its equation, because Keras reverses these axes",
            "write a letter for each axis instead of the dots",
        )
    of_input = dict(zip(inputs, whole[num_elided:] if left_elided else whole, strict=False))
    sizes = arguments.sizes("output_shape")
    if left_elided and num_elided:
        # The batch and what follows it are the elided axes.
        result = (*whole[1:num_elided], *sizes)
        letters: tuple[int | None, ...] = sizes
    else:
        result = (*sizes, *(whole[len(inputs) :]))
        letters = (None, *sizes)
    if len(letters) != len(output):
        needs = f"needs an output_shape of {len(output) - (0 if left_elided and num_elided else 1)} axes"
        raise ShapeProblem(needs, f"give one size for each letter of '{output}' but the batch")
    of_output = dict(zip(output, letters, strict=True))
    _shared_sizes_agree(of_input, of_output)
    of_kernel = {**of_input, **of_output}
    weights = {"kernel": tuple(known(of_kernel[letter], f"'{letter}'") for letter in kernel)}
    if arguments.given("bias_axes"):
        bias = arguments.word("bias_axes")
        first = min(output.index(letter) for letter in bias)
        axes = [known(of_output[letter], f"'{letter}'") if letter in bias else 1 for letter in output[first:]]
        weights["bias"] = (*axes, *(() if left_elided else (1,) * num_elided))
    return Traced(result, weights)


def _shared_sizes_agree(of_input: Mapping[str, int | None], of_output: Mapping[str, int | None]) -> None:
    for letter in of_input.keys() & of_output.keys():
        wanted = of_output[letter]
        if wanted is not None and wanted != of_input[letter]:
            needs = f"needs {wanted} on the axis '{letter}' that input and output share, as its output_shape says"
            raise ShapeProblem(needs, "give null for that axis in output_shape")


DENSE: Mapping[str, Rule] = {"Dense": _dense, "EinsumDense": _einsum, "Embedding": _embedding}
