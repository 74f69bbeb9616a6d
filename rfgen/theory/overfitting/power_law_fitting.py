"""How far the best ridge fits the training data, for power laws: the optimal fitting ratio and the cost of interpolation.

Eigenvalues i^-alpha, target power i^-beta, full kernel, n to infinity.  Sums become integrals,

    sum_i L_i = (pi/alpha)/sin(pi/alpha) kappa^(-1/alpha),    sum_i L_i^2 = (1 - 1/alpha) sum_i L_i,

and with x = sqrt(train/test) = 1 - (1/n) sum_i L_i, noise of `relative_noise` s times the noiseless ridgeless risk,

    test / (noiseless ridgeless test) = [(1 - x)^(1 - beta) + alpha s] / [1 + (alpha - 1) x].

It is least at x = 0, interpolation, iff s <= (beta - alpha)/(alpha (alpha - 1)); otherwise at the root of

    beta - alpha + (alpha - 1) beta x = alpha (alpha - 1) s (1 - x)^beta.

Regime: alpha > 1 and 1 < beta < 2 alpha + 1, beyond which the first modes dominate the bias.  At finite n the exact curve
differs by a relative order of n^-1 and n^(beta - 2 alpha - 1).  Source: derived (question of arXiv 2311.14646).
Equations: theory (9.8) and (9.9).
"""

__all__ = ["PowerLawFitting", "interpolation_threshold", "power_law_fitting"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.monotone_root import decreasing_root

# Noise beyond this counts as this: the target is then pure noise to double precision.
MOST_NOISE = 1e200


@record
class PowerLawFitting:
    """At the best ridge, scalars () or batched by vmap: `ratio` = train/test (0: interpolation is best); `cost`: ridgeless
    over best test risk; `best_test`: best test risk over the noiseless ridgeless one.
    """

    ratio: Float[Array, "*batch"]
    cost: Float[Array, "*batch"]
    best_test: Float[Array, "*batch"]


def interpolation_threshold(alpha: Any, beta: Any) -> Any:
    """The largest relative noise at which interpolation is best, (beta - alpha)/(alpha (alpha - 1)); 0 or less: never.

    Scalars or arrays, alpha > 1, 1 < beta < 2 alpha + 1.

    >>> round(interpolation_threshold(1.5, 3.0), 12)
    2.0
    """
    return (beta - alpha) / (alpha * (alpha - 1.0))


@needs_double_precision
@jax.jit
def power_law_fitting(alpha: Any, beta: Any, relative_noise: Any) -> PowerLawFitting:
    """The optimal fitting ratio at n to infinity; scalars alpha > 1, 1 < beta < 2 alpha + 1, noise >= 0, traceable.

    `relative_noise`: noise variance over the noiseless ridgeless test risk at the same n.  The cost tends to alpha, the
    overfitting coefficient, as it grows.  NaN outside the regime.  Needs 64-bit floats.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     points = [power_law_fitting(1.5, 3.0, noise) for noise in (1.0, 2.0, 8.0, 1e6)]
    >>> [(round(float(at.ratio), 4), round(float(at.cost), 4)) for at in points]
    [(0.0, 1.0), (0.0, 1.0), (0.0965, 1.0649), (0.9686, 1.4881)]
    """
    alpha, beta, noise = (jnp.asarray(value, dtype=jnp.float64) for value in (alpha, beta, relative_noise))
    noise = jnp.minimum(noise, MOST_NOISE)

    def slope(q: Array) -> tuple[Array, Array]:
        """The stationary equation at x = 1 - exp(-q), decreasing in q, and its derivative."""
        left, right = jnp.exp(-q), alpha * (alpha - 1.0) * noise * jnp.exp(-beta * q)
        value = right - (beta - alpha) - (alpha - 1.0) * beta * -jnp.expm1(-q)
        return value, -beta * right - (alpha - 1.0) * beta * left

    # beyond, neither term with an exponential outweighs alpha (beta - 1), the limit
    half = alpha * (beta - 1.0) / 2.0
    upper = jnp.maximum(jnp.log1p((alpha - 1.0) * beta / half), jnp.log1p(alpha * (alpha - 1.0) * noise / half) / beta)
    interpolates = slope(jnp.zeros_like(noise))[0] <= 0.0
    q = decreasing_root(slope, jnp.zeros_like(upper), jax.lax.stop_gradient(upper), jax.lax.stop_gradient(upper) * 0.5)
    q = jnp.where(interpolates, 0.0, q)
    x = -jnp.expm1(-q)
    best = (jnp.exp((beta - 1.0) * q) + alpha * noise) / (1.0 + (alpha - 1.0) * x)
    inside = (alpha > 1.0) & (beta > 1.0) & (beta < 2.0 * alpha + 1.0) & (noise >= 0.0)
    return PowerLawFitting(*(jnp.where(inside, value, jnp.nan) for value in (x * x, (1.0 + alpha * noise) / best, best)))
