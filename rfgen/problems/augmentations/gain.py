"""A random factor on the whole input, or on each block of coordinates."""

__all__ = ["Gain", "Jitter"]

import math
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.image import listed
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import integer, numbers, optional, view_counts
from rfgen.problems.settings import setting
from rfgen.problems.validation import non_negative


class Gain(AbstractAugmentation):
    """`x -> g x` with g drawn from `values`: `Gain(values, views=1, probabilities=None)`, None for equally likely.

    >>> Gain([0.5, 1.5]).mode_law(10).gain.tolist()
    [[0.5], [1.5]]
    """

    values: Any = setting(numbers(ndim=1))
    views: Any = setting(view_counts, default=1, axis=True)
    probabilities: Any = setting(optional(partial(non_negative, ndim=1)), default=None)

    def _relate(self) -> None:
        """One probability a value, 1 in all."""
        if self.probabilities is None:
            self._set(probabilities=np.full(self.values.size, 1.0 / self.values.size))
        if self.probabilities.size != self.values.size:
            raise ValueError(
                f"probabilities must have one entry per value ({self.values.size}), got {self.probabilities.size}"
            )
        if abs(self.probabilities.sum() - 1.0) > 1e-9:
            raise ValueError(f"probabilities must sum to 1, got {self.probabilities.sum():g}")

    @property
    def moments_suffice(self) -> bool:  # one factor moves the whole view
        """Whether there is a single value."""
        return self.values.size == 1

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One scaled copy."""
        del partner
        values, probabilities = jnp.asarray(self.values, x.dtype), jnp.asarray(self.probabilities, x.dtype)
        return View(x * jax.random.choice(key, values, p=probabilities))

    def mode_law(self, modes: float) -> ModeLaw:
        """One pattern per value."""
        del modes
        none = np.zeros((self.values.size, 1))
        return ModeLaw(self.probabilities, self.values[:, None], none, none, np.ones(self.values.size))

    def patterns(self, shape: tuple[int, ...]) -> tuple[tuple[float, AbstractAugmentation], ...]:
        """One pattern per value."""
        del shape
        pairs = zip(self.probabilities, self.values, strict=True)
        return tuple((float(chance), Gain([value])) for chance, value in pairs if chance > 0)


MOST_BLOCKS = 6  # at most so many on the modes: their gains are 2^blocks patterns of the law


def _blocks(name: str, value: Any) -> float:
    return math.inf if isinstance(value, float) and value == math.inf else integer(1)(name, value)


class Jitter(AbstractAugmentation):
    """Each block of coordinates times a gain of its own, 1 + strength or 1 - strength: `Jitter(strength, blocks, views=1)`.

    The blocks are equal runs of the modes of a `Task`, the largest eigenvalues first, or of the coordinates of an input (of
    an image: bands of pixels); `math.inf` is one gain for each mode or coordinate.  Gains are independent, both values
    equally likely.  On the modes of a `Task` up to 6 blocks, or `math.inf`.

    >>> Jitter(0.5, 2).mode_law(10).gain.tolist()
    [[0.5, 0.5], [0.5, 1.5], [1.5, 0.5], [1.5, 1.5]]
    """

    strength: Any = setting(non_negative, axis=True)
    blocks: Any = setting(_blocks, default=math.inf)
    views: Any = setting(view_counts, default=1, axis=True)

    @property
    def moments_suffice(self) -> bool:
        """Whether each coordinate has its own gain."""
        return math.isinf(self.blocks)

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy with other gains."""
        del partner
        count = x.size if math.isinf(self.blocks) else self.blocks
        return View(self._scaled(x, jax.random.rademacher(key, (count,), dtype=x.dtype)))

    def _scaled(self, x: jax.Array, signs: Any) -> jax.Array:
        gains = 1.0 + jnp.asarray(self.strength, x.dtype) * jnp.asarray(signs, x.dtype)
        of_block = np.arange(x.size) * gains.size // self._fitting(x.size, gains.size)
        return (x.ravel() * gains[of_block]).reshape(x.shape)

    def mode_law(self, modes: float) -> ModeLaw:
        """One pattern for each combination of gains, or a variance where every mode has its own."""
        if math.isinf(self.blocks):
            square = self.strength**2
            high = (1.0 + 3.0 * square, 0.0), (1.0 + 6.0 * square + square**2, 0.0, 0.0)
            return ModeLaw.of(slope=square, third=high[0], fourth=high[1])
        if self.blocks > MOST_BLOCKS:
            raise ValueError(
                f"blocks must be at most {MOST_BLOCKS}, or math.inf for a gain of every mode, on the modes of a Task, got "
                f"{self.blocks}"
            )
        signs = np.array(list(product((-1.0, 1.0), repeat=self.blocks)))
        none, certain = np.zeros_like(signs), np.ones(len(signs))
        breaks = None
        if self.blocks > 1:
            if math.isinf(modes):
                raise ValueError("Jitter in blocks needs finitely many modes: give modes=..., finite, or blocks=1")
            breaks = -(-np.arange(self.blocks + 1) * self._fitting(int(modes), self.blocks) // self.blocks)
        return ModeLaw(certain / len(signs), 1.0 + self.strength * signs, none, none, certain, breaks=breaks)

    def patterns(self, shape: tuple[int, ...]) -> tuple[tuple[float, AbstractAugmentation], ...] | None:
        """One pattern for each combination of gains, where they are few."""
        if math.isinf(self.blocks):
            return super().patterns(shape)
        return listed(self._scaled, zip(product((-1.0, 1.0), repeat=self.blocks)))

    def _fitting(self, size: int, blocks: int) -> int:
        if blocks > size:
            raise ValueError(f"blocks must be at most the {size} modes or coordinates, got {blocks}")
        return size
