"""Changes of the label alone."""

__all__ = ["LabelSmoothing"]

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from rfgen.problems import validation
from rfgen.problems.augmentations.base import AbstractAugmentation, View, probability
from rfgen.problems.augmentations.mode_law import ModeLaw


@dataclass(frozen=True, eq=False, repr=False)
class LabelSmoothing(AbstractAugmentation):
    """`y -> (1 - amount) y + amount center`, inputs unchanged: `LabelSmoothing(amount, views=1, center=0.0)`.

    >>> LabelSmoothing(0.1).mode_law(10).label.tolist()
    [0.9]
    """

    amount: Any
    views: Any = 1
    center: Any = 0.0

    strengths: ClassVar[tuple[str, ...]] = ("amount",)
    moments_suffice = True

    def __post_init__(self) -> None:
        """Validate."""
        center = validation.array("center", self.center, 0)
        self._freeze(amount=probability("amount", self.amount), center=center)

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
