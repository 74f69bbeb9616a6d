"""Least squares trained under attack, in the limit: every input is moved by up to `radius`, where that is worst.

The residual of a row grows by radius N, N the length of the weights, so rows pull with the force

    F = r / (1 + g) + clip(r / (g (1 + g)), -a, a),   a = radius N / (1 + g),

r the residual of the row left out: rows with |r| < g radius N are fitted exactly.  N itself is pulled to zero, by a ridge

    radius n E T / N,   T = radius N + (|r| - g radius N)_+ / (1 + g).

Equations: theory (18.3) and (18.4).
"""

__all__ = ["AttackedRegression", "attacked_regression"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.continuation import follow
from rfgen.numerics.implicit import implicit
from rfgen.systems.robust.clipped_force import clipped_moments
from rfgen.systems.robust.theory import LossRegression

TOLERANCE, CONVERGED = 1e-13, 1e-10
# The path of ridges starts at this multiple of rows times the largest eigenvalue; ridge 0 is this part of that.
NULL_RIDGE, NEAR_ZERO = 3.0, 1e-30


@record
class AttackedRegression(LossRegression):
    """Also `robust`, the mean squared error under attack, the others being on clean inputs; `fitted`: share of training
    rows whose residual is 0.
    """

    robust: Float[Array, "*batch"]
    fitted: Float[Array, "*batch"]


@needs_double_precision
def attacked_regression(
    spectrum: tuple[Any, Any, Any], noise: tuple[Any, Any, Any], n: Any, radius: Any, ridge: Any = 0.0,
    intercept: bool = False,
) -> AttackedRegression:
    """Minimise sum_i max over |d_i| <= radius of (y_i - w.(x_i + d_i) - b)^2, + ridge |w|^2, on `n` rows.

    `spectrum`, `noise`, of finite variance, and scalars as in `robust_regression`; `radius` >= 0 in units of the inputs.
    Where weights stay at 0 (theory (18.5)) so do `norm` and `kappa`, inf.  Exact as n and modes grow together; the limit of
    ridge 0 from above.  Source: derived; arXiv 2002.10477 without ridge, of equal eigenvalues.

    >>> import jax, numpy as np
    >>> one, normal = np.ones(1), (np.ones(1), np.zeros(1), np.ones(1))
    >>> with jax.enable_x64(True):  # p = 50 of n = 150: least squares has excess p / (n - p)
    ...     found = attacked_regression((one, 50 * one, one), normal, 150.0, 0.0)
    >>> round(float(found.excess), 9)
    0.5
    """
    given = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (spectrum, noise, n, radius))
    (eigenvalues, multiplicity, power), (shares, means, deviations), n, radius = given
    ridge = jnp.asarray(ridge, jnp.float64)
    mean = shares @ means if intercept else jnp.zeros(())
    held, frozen = jax.lax.stop_gradient((ridge, given))
    signal = jnp.sum(power)
    spread = jnp.sqrt(deviations**2 + signal)
    first_moment = shares @ _beyond(means - mean, spread, jnp.zeros(()))
    square = shares @ (spread**2 + (means - mean) ** 2)
    pull = jnp.sqrt(n**2 * (eigenvalues @ power) + n * square * (multiplicity @ eigenvalues))
    still = radius * n * first_moment >= pull
    reach = jnp.maximum(n * jnp.max(eigenvalues), multiplicity @ eigenvalues)
    first = jax.lax.stop_gradient(NULL_RIDGE * jnp.maximum(reach, held))
    last = jnp.where(held > 0.0, held, first * NEAR_ZERO)
    length = jnp.maximum(pull - radius * n * first_moment, 1e-3 * pull) / first
    stiff = pull / length
    start = jax.lax.stop_gradient(jnp.stack([
        jnp.log((multiplicity @ eigenvalues) / stiff), jnp.log(signal + 1e-3 * square), mean / jnp.sqrt(square),
        jnp.log(length),
    ]))
    unit = jax.lax.stop_gradient(jnp.sqrt(square))
    x, left = follow(
        lambda x, log_ridge: _residual(x, frozen, jnp.exp(log_ridge), unit, intercept), start, jnp.log(first),
        jnp.log(last), TOLERANCE,
    )
    scale = jnp.where(ridge > 0.0, ridge, last)
    x = implicit(lambda y: _residual(y, given, scale, unit, intercept), x)
    _, excess, kappa, norm, bend, _ = _answer(x, given, scale, unit)
    height, g = unit * x[2], jnp.exp(x[0])
    moved = means - height
    total = jnp.sqrt(deviations**2 + excess)
    length = radius * jnp.sqrt(norm)
    robust = shares @ (total**2 + moved**2 + 2.0 * length * _beyond(moved, total, jnp.zeros(())) + length**2)
    offset = shares @ (deviations**2 + moved**2)
    # F' is 1 / g where the residual is 0, and else 1 / (1 + g)
    fitted = (bend * (1.0 + g) - 1.0) * g
    rest = shares @ (spread**2 + (means - mean) ** 2), shares @ (deviations**2 + (means - mean) ** 2)

    def kept(value: Any, at_rest: Any) -> Array:
        return jnp.where(still, at_rest, value)

    return AttackedRegression(
        excess=kept(excess, signal), offset=kept(offset, rest[1]), robust=kept(robust, rest[0]), norm=kept(norm, 0.0),
        intercept=kept(height, mean), fitted=kept(fitted, 0.0), kappa=kept(kappa, jnp.inf), residual=kept(left, 0.0),
        converged=still | (left < CONVERGED),
    )


def _beyond(mean: Any, deviation: Any, edge: Any) -> Array:
    """E(|r| - edge)_+ of r ~ N(mean, deviation^2)."""
    ends = (mean - edge) / deviation, (-mean - edge) / deviation
    normal = jax.scipy.stats.norm
    return deviation * sum(normal.pdf(end) + end * normal.cdf(end) for end in ends)


def _answer(x: Array, given: Any, ridge: Any, unit: Any) -> tuple[Array, ...]:
    """What weights answer to the forces: gamma, excess, kappa, norm; E F' and E F of the forces."""
    (eigenvalues, multiplicity, power), (shares, means, deviations), n, radius = given
    g, length = jnp.exp(x[0]), radius * jnp.exp(x[3])
    deviation, moved = jnp.sqrt(deviations**2 + jnp.exp(x[1])), means - unit * x[2]
    bound = length / (1.0 + g)
    mean, square, bend = clipped_moments(moved, deviation, 1.0 / (g * (1.0 + g)), -bound, bound)
    # E r D by Stein's lemma
    cross = moved * mean + deviation**2 * bend
    square = square + 2.0 * cross / (1.0 + g) + (moved**2 + deviation**2) / (1.0 + g) ** 2
    square, mean, bend = shares @ square, shares @ (moved / (1.0 + g) + mean), 1.0 / (1.0 + g) + shares @ bend
    pressed = length + shares @ _beyond(moved, deviation, g * length) / (1.0 + g)
    curvature = n * bend
    kappa = (ridge + radius * n * pressed / jnp.exp(x[3])) / curvature
    learned = eigenvalues / (eigenvalues + kappa)
    noise = square / (n * bend**2)
    norm = power @ (learned / (eigenvalues + kappa)) + noise * (multiplicity @ (learned / (eigenvalues + kappa)))
    excess = power @ (1.0 - learned) ** 2 + noise * (multiplicity @ learned**2)
    return multiplicity @ learned / curvature, excess, kappa, norm, bend, mean


def _residual(x: Array, given: Any, ridge: Any, unit: Any, intercept: bool) -> Array:
    """The equations, each of order 1."""
    gamma, excess, _, norm, bend, mean = _answer(x, given, ridge, unit)
    balance = mean / (bend * unit) if intercept else x[2]
    return jnp.stack([jnp.log(gamma) - x[0], jnp.log(excess) - x[1], balance, 0.5 * jnp.log(norm) - x[3]])
