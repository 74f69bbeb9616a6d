"""Changes of the label alone."""

__all__ = ["LabelSmoothing"]

from typing import Any

import jax
import jax.numpy as jnp

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import numbers, view_counts
from rfgen.problems.settings import setting


class LabelSmoothing(AbstractAugmentation):
    """`y -> (1 - amount) y + amount center`, inputs unchanged: `LabelSmoothing(amount, views=1, center=0.0)`.

    >>> LabelSmoothing(0.1).mode_law(10).label.tolist()
    [0.9]
    """

    amount: Any = setting(numbers("[0, 1]"), axis=True)
    views: Any = setting(view_counts, default=1, axis=True)
    center: Any = setting(numbers(ndim=0), default=0.0)

    moments_suffice = True

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """The input with a smoothed label."""
        del key, partner
        return View(x, own=jnp.asarray(1.0 - self.amount, x.dtype), offset=jnp.asarray(self.amount * self.center, x.dtype))

    def mode_law(self, modes: float) -> ModeLaw:
        """A factor on the label."""
        del modes
        if self.center != 0 and self.amount > 0:
            raise ValueError(f"center must be 0 with a Task, whose labels are centred, got {self.center:g}")
        return ModeLaw.of(label=1.0 - self.amount)
