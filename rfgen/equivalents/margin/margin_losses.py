"""Losses of the margin, and what training makes of a row: the proximal map.

A row whose margin would be w if it had been left out has, once trained on, the margin t that minimises
`loss(t) + (t - w)^2 / (2 gamma)`: t = w + gamma psi, psi = -loss'(t).  As the ridge falls the forces psi vanish like it
where the classes are separable, and stay finite where they are not; a scale s keeps them in range: `psi' = psi / s`,
`gamma' = s gamma`.  As s falls to 0 the losses that vanish from margin 1 on become hard constraints, the same one for all:
psi' = (1 - w)_+ / gamma'.  Equations: theory (10.2) and (10.4).
"""

__all__ = ["LOSSES", "MarginLoss"]

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# Offsets of panel edges around the two bends of the logistic map, in units of the margin: graded towards the bend, where
# its logarithm varies; beyond it the force falls off like exp(-w), from w = log gamma on.
BENDS = (-256.0, -64.0, -16.0, -4.0, -1.0, 0.0, 1.0, 4.0, 9.0, 16.0, 25.0, 40.0)
# Newton from t = 0 is monotone: the residual is convex left of 0 and concave right of it.
LOGISTIC_PASSES = 120
# Beside the bends of a smoothed logistic map.
SMOOTH_BENDS = (-3.0, 3.0)


class MarginLoss(ABC):
    """A convex loss of the margin; all functions take arrays, and gamma', s as scalars.

    `pieces`: of the forces between their kinks, from small margins on, whether they vary; one that does where none is.
    """

    pieces: tuple[bool, ...] = (True,)

    @abstractmethod
    def force(self, w: Any, gamma: Any, scale: Any) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
        """psi' and -d psi' / d w of rows with leave-one-out margin w; the trained margin is w + gamma' psi'."""

    @abstractmethod
    def kinks(self, gamma: Any, scale: Any) -> Float[Array, " kinks"]:
        """Where psi' is not smooth in w."""

    @abstractmethod
    def force_at(self, margin: Any) -> Float[Array, "*batch"]:
        """psi of rows whose trained margin is just above `margin`."""

    @abstractmethod
    def value(self, margin: Any) -> Float[Array, "*batch"]:
        """The loss."""

    def bends(self, gamma: Any, scale: Any) -> Float[Array, " kinks"]:
        """Where psi' bends in w: panels of unit length beside them follow it."""
        return self.kinks(gamma, scale)

    def smoothed(
        self, margin: Any, deviation: Any, scale: Any, normal: tuple[Any, Any]
    ) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
        """E psi'(margin + deviation Z) and minus its slope, of margins (margins,) that are not trained on; nodes and their
        measure of the `normal` variable Z, (nodes,), where there is no closed form.
        """
        force, slope = self.force(margin[..., None] + deviation * normal[0], jnp.zeros(()), scale)
        return force @ normal[1], slope @ normal[1]


class _Linear(MarginLoss):
    """Minus the margin: every row pulls alike, whatever its margin."""

    def force(self, w: Any, gamma: Any, scale: Any) -> tuple[Array, Array]:
        return jnp.ones_like(w) / scale, jnp.zeros_like(w)

    def kinks(self, gamma: Any, scale: Any) -> Array:
        return jnp.zeros(0, jnp.result_type(gamma, scale))

    def force_at(self, margin: Any) -> Array:
        return jnp.ones_like(margin)

    def value(self, margin: Any) -> Array:
        return -margin


class _Square(MarginLoss):
    def force(self, w: Any, gamma: Any, scale: Any) -> tuple[Array, Array]:
        slope = 1.0 / (scale + gamma)
        return (1.0 - w) * slope, slope * jnp.ones_like(w)

    def kinks(self, gamma: Any, scale: Any) -> Array:
        return jnp.zeros(0, jnp.result_type(gamma, scale))

    def force_at(self, margin: Any) -> Array:
        return 1.0 - margin

    def value(self, margin: Any) -> Array:
        return 0.5 * (1.0 - margin) ** 2


class _SquaredHinge(MarginLoss):
    pieces = (True, False)

    def force(self, w: Any, gamma: Any, scale: Any) -> tuple[Array, Array]:
        slope = 1.0 / (scale + gamma)
        return jnp.where(w < 1.0, (1.0 - w) * slope, 0.0), jnp.where(w < 1.0, slope, 0.0)

    def kinks(self, gamma: Any, scale: Any) -> Array:
        return jnp.ones(1, jnp.result_type(gamma, scale))

    def force_at(self, margin: Any) -> Array:
        return jnp.maximum(1.0 - margin, 0.0)

    def value(self, margin: Any) -> Array:
        return 0.5 * jnp.maximum(1.0 - margin, 0.0) ** 2

    def smoothed(self, margin: Any, deviation: Any, scale: Any, normal: tuple[Any, Any]) -> tuple[Array, Array]:
        excess, below = _excess((1.0 - margin) / deviation)
        return deviation * excess / scale, below / scale


@dataclass(frozen=True)
class _Hinge(MarginLoss):
    """With its corner at 1 made a parabola over `width`."""

    width: float = 0.0

    pieces = (False, True, False)

    def force(self, w: Any, gamma: Any, scale: Any) -> tuple[Array, Array]:
        stiff = self.width * scale + gamma
        free = (1.0 - w) / stiff
        return jnp.clip(free, 0.0, 1.0 / scale), jnp.where((w < 1.0) & (free < 1.0 / scale), 1.0 / stiff, 0.0)

    def kinks(self, gamma: Any, scale: Any) -> Array:
        clipped = 1.0 - self.width - gamma / scale
        return jnp.stack([jnp.ones_like(clipped), clipped])

    def force_at(self, margin: Any) -> Array:
        return jnp.where(margin < 1.0 - self.width, 1.0, jnp.maximum(1.0 - margin, 0.0) / (self.width or 1.0))

    def value(self, margin: Any) -> Array:
        short = jnp.maximum(1.0 - margin, 0.0)
        return jnp.where(short < self.width, 0.5 * short**2 / (self.width or 1.0), short - 0.5 * self.width)

    def smoothed(self, margin: Any, deviation: Any, scale: Any, normal: tuple[Any, Any]) -> tuple[Array, Array]:
        short = (1.0 - margin) / deviation
        excess, below = _excess(short)
        if not self.width:
            return below / scale, jax.scipy.stats.norm.pdf(short) / (deviation * scale)
        excess_there, below_there = _excess(short - self.width / deviation)
        stiff = self.width * scale
        return deviation * (excess - excess_there) / stiff, (below - below_there) / stiff


def _excess(u: Array) -> tuple[Array, Array]:
    """E (u + Z)_+ and P(u + Z > 0)."""
    below = jax.scipy.stats.norm.cdf(u)
    return u * below + jax.scipy.stats.norm.pdf(u), below


class _Logistic(MarginLoss):
    def force(self, w: Any, gamma: Any, scale: Any) -> tuple[Array, Array]:
        margin = _logistic_margin(w, gamma / scale)
        psi = jax.nn.sigmoid(-margin)
        curvature = psi * jax.nn.sigmoid(margin)
        return psi / scale, curvature / (scale + gamma * curvature)

    def kinks(self, gamma: Any, scale: Any) -> Array:
        offsets = jnp.asarray(BENDS, jnp.result_type(gamma, scale))
        return jnp.concatenate([offsets, -gamma / scale - offsets])

    def bends(self, gamma: Any, scale: Any) -> Array:
        offsets = jnp.asarray(SMOOTH_BENDS, jnp.result_type(gamma, scale))
        return jnp.concatenate([offsets, -gamma / scale - offsets])

    def smoothed(self, margin: Any, deviation: Any, scale: Any, normal: tuple[Any, Any]) -> tuple[Array, Array]:
        # no margin moves: without the search for where it would go a tenth of the time
        psi = jax.nn.sigmoid(-(margin[..., None] + deviation * normal[0]))
        return psi @ normal[1] / scale, (psi * (1.0 - psi)) @ normal[1] / scale

    def force_at(self, margin: Any) -> Array:
        return jax.nn.sigmoid(-margin)

    def value(self, margin: Any) -> Array:
        return jax.nn.softplus(-margin)


@jax.custom_jvp
def _logistic_margin(w: Any, gamma: Any) -> Any:
    """The t with t = w + gamma sigmoid(-t)."""

    def step(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        t, _, passes = state
        psi = jax.nn.sigmoid(-t)
        change = (t - w - gamma * psi) / (1.0 + gamma * psi * (1.0 - psi))
        return t - change, jnp.any(jnp.abs(change) > 4e-16 * (1.0 + jnp.abs(t))), passes + 1

    start = (jnp.zeros_like(w), jnp.ones((), bool), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(lambda state: state[1] & (state[2] < LOGISTIC_PASSES), step, start)[0]


@_logistic_margin.defjvp
def _logistic_margin_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    (w, gamma), (dw, dgamma) = primals, tangents
    t = _logistic_margin(w, gamma)
    psi = jax.nn.sigmoid(-t)
    return t, (dw + psi * dgamma) / (1.0 + gamma * psi * (1.0 - psi))


# Each made of the parameters that it has.
LOSSES: dict[str, Callable[..., MarginLoss]] = {
    "linear": _Linear, "square": _Square, "logistic": _Logistic, "hinge": _Hinge, "squared_hinge": _SquaredHinge,
}
