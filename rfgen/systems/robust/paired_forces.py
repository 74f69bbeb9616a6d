"""What the forces of two models on one row have in common, of losses of the residual.

Left out, the residuals are center + noise + x and center + noise + x', x and x' of variance q and covariance s: given what
they share, of the noise's law and N(0, s), each has N(0, q - s) of its own.  With k times that a model draws the row,

    E F F' = E_c G(c)^2,   G(c) = sum_k P(k) k E clip((c + sqrt(q - s) Z) / (softness + k gamma), low, high),

G in closed form and c one integral, under noise of any law.  Equations: theory (8.11).
"""

__all__ = ["paired_power"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.systems.robust.residual_loss import SquaredLoss

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
# Edges of panels, in deviations, about each corner of a force and about each part of the noise's law.
BENDS = np.array([-9.0, -5.0, -2.5, -1.0, 0.0, 1.0, 2.5, 5.0, 9.0])
STEPS = np.array([-9.0, -6.0, -4.0, -2.5, -1.2, 0.0, 1.2, 2.5, 4.0, 6.0, 9.0])
# Shares of the spread, at least, that models share and that they have of their own.
LEAST_SHARED, LEAST_OWN = 1e-30, 1e-14


def paired_power(
    loss: Any, gamma: Any, spread: Any, shared: Any, noise: tuple[Any, Any, Any], draws: tuple[Any, Any]
) -> Float[Array, ""]:
    """E F F' of a row, models drawing it as `draws` = (times, chances) says; `noise`: shares, centers and deviations of the
    residual without x, (parts,).

    >>> with jax.enable_x64(True):
    ...     noise, once = (jnp.ones(1), jnp.zeros(1), jnp.ones(1)), (jnp.ones(1), jnp.ones(1))
    ...     power = paired_power(SquaredLoss(), 1.0, 3.0, 2.0, noise, once)
    >>> float(power)  # (1 + 2) / (1 + 1)^2
    0.75
    """
    (times, chances), (shares, centers, deviations) = draws, noise
    if isinstance(loss, SquaredLoss):
        return jnp.sum(chances * times / (1.0 + times * gamma)) ** 2 * (shares @ (centers**2 + deviations**2 + shared))
    own = jnp.sqrt(jnp.maximum(spread - shared, LEAST_OWN * spread))
    common = jnp.sqrt(deviations**2 + jnp.maximum(shared, LEAST_SHARED * spread))
    stiff = loss.softness + times * gamma
    corners = jnp.concatenate([loss.low * stiff, loss.high * stiff])
    about = (corners[:, None] + own * BENDS).ravel(), (centers[:, None] + common[:, None] * STEPS).ravel()
    edges = jax.lax.stop_gradient(jnp.sort(jnp.concatenate(about)))
    half, middle = 0.5 * jnp.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    c = (middle[:, None] + half[:, None] * _NODES).ravel()
    measure = (half[:, None] * _WEIGHTS).ravel()
    density = (jax.scipy.stats.norm.pdf((c[:, None] - centers) / common) / common) @ shares
    # beyond the corners forces are constant
    inner = jnp.clip(c, jnp.min(corners) - BENDS[-1] * own, jnp.max(corners) + BENDS[-1] * own)
    rise = [own * _ramp((inner[:, None] - bound * stiff) / own) for bound in (loss.low, loss.high)]
    mean = (loss.low + (rise[0] - rise[1]) / stiff) @ (chances * times)
    return (measure * density) @ mean**2


def _ramp(x: Array) -> Array:
    """E max(x + Z, 0)."""
    return x * jax.scipy.stats.norm.cdf(x) + jax.scipy.stats.norm.pdf(x)
