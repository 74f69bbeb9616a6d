"""Means of a clipped linear force of a normal variable, in closed form."""

__all__ = ["clipped_moments"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Where the unclipped part spans fewer deviations than this closed forms lose digits, and a Gauss rule has them all.
NARROW = 2.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(14)


def clipped_moments(
    mean: Any, deviation: Any, slope: Any, low: Any, high: Any
) -> tuple[Float[Array, "*parts"], Float[Array, "*parts"], Float[Array, "*parts"]]:
    """E F, E F^2 and E F' of F = clip(slope r, low, high), r ~ N(mean, deviation^2); arrays that broadcast.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     first, second, bend = clipped_moments(0.0, 1.0, 1.0, -50.0, 50.0)  # never clipped
    >>> float(first), round(float(second), 12), float(bend)
    (0.0, 1.0, 1.0)
    """
    mean, deviation = jnp.asarray(mean), jnp.asarray(deviation)
    begin, end = (low / slope - mean) / deviation, (high / slope - mean) / deviation
    cdf, density = jax.scipy.stats.norm.cdf, jax.scipy.stats.norm.pdf
    # the side on which the tails are small keeps their digits
    turned = begin > 0.0
    wide = jnp.where(turned, cdf(-begin) - cdf(-end), cdf(end) - cdf(begin))
    edge = density(begin), density(end)
    first = mean * wide + deviation * (edge[0] - edge[1])
    scatter = wide + begin * edge[0] - end * edge[1]
    second = mean**2 * wide + 2.0 * mean * deviation * (edge[0] - edge[1]) + deviation**2 * scatter
    half = 0.5 * jnp.minimum(end - begin, NARROW)
    points = begin[..., None] + half[..., None] * (1.0 + _NODES)
    measure = half[..., None] * _WEIGHTS * density(points)
    inner = mean[..., None] + deviation[..., None] * points
    narrow = end - begin <= NARROW
    middle = jnp.where(narrow, jnp.sum(measure, -1), wide)
    first = slope * jnp.where(narrow, jnp.sum(measure * inner, -1), first)
    second = slope**2 * jnp.where(narrow, jnp.sum(measure * inner**2, -1), second)
    below, above = cdf(begin), cdf(-end)
    return low * below + high * above + first, low**2 * below + high**2 * above + second, slope * middle
