"""InitialState: puts every variable of a program back to what a fresh process would have built under a seed."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import keras
import tensorflow as tf

# Where Keras draws a seed for who was given none: `random.randint(1, 10**9)` of the `random` module, which
# `keras.utils.set_random_seed` seeds (keras.src.random.seed_generator.make_default_seed).
_LOWEST, _HIGHEST = 1, 10**9
_MOST_DRAWS = 100_000


def draws(seed: int, count: int) -> list[int]:
    """The first seeds that Keras draws in a process under `keras.utils.set_random_seed(seed)`."""
    generator = random.Random(seed)
    return [generator.randint(_LOWEST, _HIGHEST) for _ in range(count)]


@final
class InitialState:
    """The initializer of every variable made inside `recording`, to be run again under any seed.

    Every random initializer and every seed generator of a model that was given no seed holds one that Keras drew
    when the layer was made. Which of the draws it holds depends on the layers alone. So a fresh model under another
    seed is this one with other draws: no layer is built again, which is slow and leaks.
    """

    def __init__(self) -> None:
        self._recorded: list[tuple[Any, Any]] = []
        self._reset: Any = None
        self._concrete: Callable[[Any], None] | None = None
        """The reset, once it was traced."""
        self._num_draws = 0

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Notes the variables that are made while this is entered."""

        def create(next_creator: Callable[..., Any], **arguments: Any) -> Any:
            variable = next_creator(**arguments)
            self._recorded.append((variable, arguments["initial_value"]))
            return variable

        with tf.variable_creator_scope(create):
            yield

    def complete(self, model: keras.Model, seed: int) -> None:
        """Finds out which draws `model`, built under `seed` while recording, holds."""
        holders = list(_seed_holders(model))
        positions = dict(zip(map(_seed_of, holders), _positions(seed, map(_seed_of, holders)), strict=True))
        self._num_draws = max(positions.values(), default=-1) + 1
        generators = [holder for holder in holders if isinstance(holder, keras.random.SeedGenerator)]
        of_states = {id(generator.state.value): positions[_seed_of(generator)] for generator in generators}
        initializers = {id(holder): holder for holder in holders if not isinstance(holder, keras.random.SeedGenerator)}
        for _, initial in self._recorded:
            # Some layers hand the seed of their initializer on to another one, which they do not keep.
            for other in _initializers_in(initial):
                if getattr(other, "seed", None) in positions:
                    initializers[id(other)] = other
        seeded = [(initializer, positions[initializer.seed]) for initializer in initializers.values()]

        def reset(drawn: Any) -> None:
            with _seeded(seeded, drawn):
                for variable, initial in self._recorded:
                    position = of_states.get(id(variable))
                    if position is not None:
                        variable.assign(_state(drawn[position]))
                    else:
                        variable.assign(initial() if callable(initial) else initial)

        self._reset = tf.function(reset, autograph=False)

    def restore(self, seed: int) -> None:
        """Every recorded variable gets the value that it has in a fresh process under `set_random_seed(seed)`."""
        drawn = tf.constant(draws(seed, self._num_draws), tf.int64)
        if self._concrete is None:
            assert self._reset is not None, "complete() comes first"
            # Calls of a `tf.function` are counted for all functions of the same code. As each program has one of its
            # own, TensorFlow would warn of retracing from the fifth program on; a concrete function is not counted.
            self._concrete = self._reset.get_concrete_function(drawn)
        self._concrete(drawn)

    @property
    def variables(self) -> list[Any]:
        """The recorded variables, in the order in which they were made."""
        return [variable for variable, _ in self._recorded]


class _Given(keras.random.SeedGenerator):  # type: ignore[misc]
    """A seed that is a tensor; it has no state, for an initializer asks once."""

    def __init__(self, seed: Any) -> None:  # (a SeedGenerator's own would make a variable)
        self._seed = seed

    def next(self, ordered: bool = True) -> Any:  # noqa: ARG002
        return _state(self._seed)


def _state(seed: Any) -> Any:
    return tf.stack([tf.cast(seed, tf.int64), tf.constant(0, tf.int64)])


@contextmanager
def _seeded(initializers: Sequence[tuple[Any, int]], drawn: Any) -> Iterator[None]:
    """Has the initializers draw from tensors while a graph is traced."""
    before = [initializer.seed for initializer, _ in initializers]
    for initializer, position in initializers:
        initializer.seed = _Given(drawn[position])
    try:
        yield
    finally:
        for (initializer, _), seed in zip(initializers, before, strict=True):
            initializer.seed = seed


def _seed_of(holder: Any) -> int:
    return int(holder.state.numpy()[0]) if isinstance(holder, keras.random.SeedGenerator) else int(holder.seed)


def _positions(seed: int, held: Iterable[int]) -> list[int]:
    """Where in the sequence of draws each of the held seeds stands."""
    wanted = list(held)
    generator, found, missing = random.Random(seed), {}, set(wanted)
    for position in range(_MOST_DRAWS):
        if not missing:
            break
        drawn = generator.randint(_LOWEST, _HIGHEST)
        if drawn in missing:
            missing.remove(drawn)
            found[drawn] = position
    if missing:
        raise RuntimeError("Keras does not draw its seeds as it did: no program can be used for a second trial")
    return [found[value] for value in wanted]


def _initializers_in(initial: Any) -> list[Any]:
    """The initializers that a variable's initial value calls."""
    if not inspect.isfunction(initial):
        return []
    found = inspect.getclosurevars(initial).nonlocals.values()
    return [value for value in found if isinstance(value, keras.initializers.Initializer)]


def _seed_holders(layer: keras.Layer) -> Iterator[Any]:
    """The random initializers and seed generators in a layer and the layers in it; each holds one of Keras's draws."""
    seen: set[int] = set()

    def walk(value: Any) -> Iterator[Any]:
        if id(value) in seen:
            return
        if isinstance(value, keras.Layer):
            seen.add(id(value))
            for part in list(vars(value).values()):
                yield from walk(part)
        elif isinstance(value, list | tuple):
            for part in value:
                yield from walk(part)
        elif isinstance(value, keras.random.SeedGenerator | keras.initializers.Initializer):
            seen.add(id(value))
            # Initializers that are not random have no seed in their configuration, nor can a spec give one.
            if value.get_config().get("seed", 0) is None:
                yield value

    return walk(layer)
