"""A random factor on the whole input."""

__all__ = ["Gain"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems import validation
from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.mode_law import ModeLaw


@dataclass(frozen=True, eq=False, repr=False)
class Gain(AbstractAugmentation):
    """`x -> g x` with g drawn from `values`: `Gain(values, views=1, probabilities=None)`, None for equally likely.

    >>> Gain([0.5, 1.5]).mode_law(10).gain.tolist()
    [[0.5], [1.5]]
    """

    values: Any
    views: Any = 1
    probabilities: Any = None

    def __post_init__(self) -> None:
        """Validate."""
        values = validation.array("values", self.values, 1)
        if self.probabilities is None:
            probabilities = np.full(values.size, 1.0 / values.size)
        else:
            probabilities = validation.non_negative("probabilities", self.probabilities, 1)
        if probabilities.size != values.size:
            raise ValueError(f"probabilities must have one entry per value ({values.size}), got {probabilities.size}")
        if abs(probabilities.sum() - 1.0) > 1e-9:
            raise ValueError(f"probabilities must sum to 1, got {probabilities.sum():g}")
        self._freeze(values=values, probabilities=probabilities)

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
