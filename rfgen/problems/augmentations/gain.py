"""A random factor on the whole input."""

__all__ = ["Gain"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import numbers, optional, view_counts
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
