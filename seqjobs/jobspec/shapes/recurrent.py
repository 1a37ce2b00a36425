"""Shapes of recurrent layers."""

from __future__ import annotations

from collections.abc import Mapping

from seqjobs.jobspec.shapes._base import Arguments, Rule, Shape, Traced, WeightShape, known, want_axes


def _recurrent(gates: int) -> Rule:
    """A layer with `gates` kernels side by side."""

    def rule(arguments: Arguments, shape: Shape) -> Traced:
        want_axes(shape, ("steps", "features"))
        steps, features, units = shape[0], known(shape[1], "features"), arguments.integer("units")
        if arguments.given("unroll"):
            known(steps, "steps to unroll")
        weights: dict[str, WeightShape] = {"kernel": (features, gates * units), "recurrent": (units, gates * units)}
        if arguments.given("use_bias"):
            weights["bias"] = (gates * units,)
        return Traced((steps, units) if arguments.given("return_sequences") else (units,), weights)

    return rule


def _gru(arguments: Arguments, shape: Shape) -> Traced:
    traced = _recurrent(3)(arguments, shape)
    if not (arguments.given("use_bias") and arguments.given("reset_after")):
        return traced
    # With reset_after the input and the state have a bias each.
    return Traced(traced.output, {**traced.weights, "bias": (2, *traced.weights["bias"])})


RECURRENT: Mapping[str, Rule] = {"SimpleRNN": _recurrent(1), "LSTM": _recurrent(4), "GRU": _gru}
