"""Losses of the residual as losses of the margin f - y, for rows that are seen in views."""

__all__ = ["ClippedLoss", "SquaredLoss"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.systems.robust.clipped_force import clipped_moments


@dataclass(frozen=True)
class ClippedLoss(MarginLoss):
    """Force clip(-margin / softness, low, high)."""

    softness: Any
    low: Any
    high: Any

    pieces = (False, True, False)

    def force(self, w: Any, gamma: Any, scale: Any) -> tuple[Array, Array]:
        """Constant, linear, constant."""
        stiff = self.softness * scale + gamma
        free, low, high = -w / stiff, self.low / scale, self.high / scale
        return jnp.clip(free, low, high), jnp.where((free > low) & (free < high), 1.0 / stiff, 0.0)

    def kinks(self, gamma: Any, scale: Any) -> Array:
        """Where the force meets its bounds."""
        return -(self.softness + gamma / scale) * jnp.stack([jnp.asarray(self.high), jnp.asarray(self.low)])

    def force_at(self, margin: Any) -> Array:
        """Of a trained margin; where the loss has a corner that of larger ones."""
        soft = jnp.where(self.softness > 0.0, self.softness, 1.0)
        corner = jnp.where(margin < 0.0, self.high, self.low)
        return jnp.where(self.softness > 0.0, jnp.clip(-margin / soft, self.low, self.high), corner)

    def value(self, margin: Any) -> Array:
        """The loss."""
        force = self.force_at(margin)
        return -margin * force - 0.5 * self.softness * force**2

    def smoothed(self, margin: Any, deviation: Any, scale: Any, normal: tuple[Any, Any]) -> tuple[Array, Array]:
        """In closed form."""
        del normal
        soft = jnp.where(self.softness > 0.0, self.softness, 1.0)
        mean, _, bend = clipped_moments(-margin, deviation, 1.0 / soft, self.low, self.high)
        place, reach = -margin / deviation, self.high - self.low
        corner = self.low + reach * jax.scipy.stats.norm.cdf(place), reach * jax.scipy.stats.norm.pdf(place) / deviation
        both = ((mean, corner[0]), (bend, corner[1]))
        force, slope = (jnp.where(self.softness > 0.0, soft_one, hard) / scale for soft_one, hard in both)
        return force, slope


class SquaredLoss(MarginLoss):
    """Half the squared residual."""

    def force(self, w: Any, gamma: Any, scale: Any) -> tuple[Array, Array]:
        """Linear."""
        slope = 1.0 / (scale + gamma)
        return -w * slope, slope * jnp.ones_like(w)

    def kinks(self, gamma: Any, scale: Any) -> Array:
        """None."""
        return jnp.zeros(0, jnp.result_type(gamma, scale))

    def force_at(self, margin: Any) -> Array:
        """Of a trained margin."""
        return -margin

    def value(self, margin: Any) -> Array:
        """The loss."""
        return 0.5 * margin**2
