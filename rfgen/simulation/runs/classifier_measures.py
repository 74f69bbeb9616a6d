"""What a given linear classifier is worth, by the normal distribution of its scores: no test points are drawn."""

__all__ = ["group_errors", "label_error", "sign_error"]

from typing import Any

import numpy as np

from rfgen.simulation.arrays import Array, namespace, normal_cdf

# The integrands are smooth; 64 nodes leave 1e-12 for an intercept of any size, 401 points 1e-12 where weights leave
# a hundredth of the score's variance unexplained.
ANGLES = np.polynomial.legendre.leggauss(64)
SCORES = np.linspace(-9.0, 9.0, 401)


def group_errors(
    weights: Array, intercept: Any, means: Array, deviations: Array, classes: Array, shift: Any = 0.0
) -> Array:
    """Probabilities (groups,) that class * (w.x + b) <= shift for x ~ N(mean, deviations^2), of `weights` (dim,).

    `shift` 0: the error; radius * |w|, in the norm dual to the attack's: the error under attack within that radius; shifts
    (radii, 1) give (radii, groups).

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     one = jnp.ones((1, 1))
    ...     round(float(group_errors(one[0], 0.0, 2 * one, one, one[0])[0]), 6)  # Phi(-2)
    0.02275
    """
    xp = namespace(weights)
    spread = xp.sqrt((deviations * deviations) @ (weights * weights))
    behind = shift - classes * (means @ weights + intercept)
    # without spread the score is what it is; 0 is right half of the time
    sharp = xp.where(behind == 0.0, 0.0, xp.copysign(np.inf, behind))
    return normal_cdf(xp.where(spread > 0.0, behind / xp.where(spread > 0.0, spread, 1.0), sharp))


def sign_error(overlap: Array, variance: Array, intercept: Array) -> Array:
    """Probability that sign(s + b) is not sign(u), for (u, s) normal with variances 1 and `variance`, covariance `overlap`.

    1/2 - 1/pi int_0^asin(r) exp(-h^2 / (2 cos^2 a)) da, r the correlation, h = b / sqrt(variance); without intercept
    arccos(r) / pi.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     [round(float(sign_error(jnp.array(0.5), jnp.array(1.0), jnp.array(b))), 6) for b in (0.0, 50.0)]
    [0.333333, 0.5]
    """
    xp = namespace(variance)
    deviation = xp.sqrt(variance)
    safe = xp.where(deviation > 0.0, deviation, 1.0)
    correlation = xp.where(deviation > 0.0, xp.clip(overlap / safe, -1.0, 1.0), 0.0)
    height = xp.where(deviation > 0.0, intercept / safe, np.inf)
    end = xp.arcsin(correlation)
    nodes, weights = (xp.asarray(each, end.dtype) for each in ANGLES)
    cosine = xp.cos(0.5 * end * (nodes + 1.0))
    inside = xp.exp(-0.5 * (height / cosine) ** 2)
    return 0.5 - 0.5 * end * (weights @ inside) / np.pi


def label_error(
    overlap: Array, variance: Array, intercept: Array, link: str, scale: Array, flip: Array
) -> Array:
    """Probability that sign(s + b) is not a fresh label of the teacher with that `link`, `scale` and `flip`."""
    xp = namespace(variance)
    if link == "sign":
        wrong = sign_error(overlap, variance, intercept)
    elif link == "probit":
        # a label of u + noise, which has this deviation
        wrong = sign_error(overlap / xp.sqrt(1.0 + scale * scale), variance, intercept)
    else:
        u = xp.asarray(SCORES, overlap.dtype)
        density = xp.exp(-0.5 * u * u) * (SCORES[1] - SCORES[0]) / (2.0 * np.pi) ** 0.5
        rest = xp.sqrt(xp.maximum(variance - overlap * overlap, 1e-4 * variance))
        above = normal_cdf((overlap * u + intercept) / xp.where(rest > 0.0, rest, 1.0))
        says = 1.0 / (1.0 + xp.exp(-u / scale))
        wrong = density @ (says * (1.0 - above) + (1.0 - says) * above)
    return flip + (1.0 - 2.0 * flip) * wrong
