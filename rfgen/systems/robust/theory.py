"""Linear regression by a convex loss of the residual, in the limit.

The residual of a row left out is r = e - b + sqrt(q) Z, e its noise and q the excess risk; trained on, the row pulls with
the force F = clip(r / (softness + g), low, high), g how far its own fit moves for it.  With

    chat = n E F',   chi = n E F^2,   ridge = nu (1 - df1/k),   kappa = nu / chat,   g = df1(kappa) / chat,

the weights are those of kernel regression with effective ridge kappa, and noise chi / (n chat^2) n in place of labels':

    q = sum kappa^2 v^2 / (lambda + kappa)^2 + (chi / chat^2) df2 + kappa^2 (norm / k) sum lambda / (lambda + kappa)^2,

an intercept balances the forces, E F = 0.  Equations: theory (16.11) and (16.12).
"""

__all__ = ["LossRegression", "RobustRegression", "balanced_intercept", "robust_regression"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.weight_response import effective_ridge
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.continuation import follow
from rfgen.numerics.implicit import implicit
from rfgen.systems.robust.clipped_force import clipped_moments

TOLERANCE, CONVERGED = 1e-13, 1e-10
# The path of ridges starts at this multiple of rows times the largest eigenvalue; ridge 0 is this part of that.
NULL_RIDGE, NEAR_ZERO = 3.0, 1e-30


@record
class LossRegression:
    """Regression by a loss of the residual: one point; fields are scalars (), or batched by vmap.

    `excess` risk of the weights, E (f - f*)^2 without the intercept; `offset`, the mean squared distance of the intercept
    from the noise, inf where it has no variance (test risk = excess + offset); `norm`: E|trainable weights|^2; `intercept`;
    `kappa`, the effective ridge; `residual` of the equilibrium, and whether it `converged`.
    """

    excess: Float[Array, "*batch"]
    offset: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    kappa: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@record
class RobustRegression(LossRegression):
    """Also `clipped`: share of training rows whose force is at a bound; `gamma`, how far a unit force moves its own fit."""

    clipped: Float[Array, "*batch"]
    gamma: Float[Array, "*batch"]


@needs_double_precision
def robust_regression(
    spectrum: tuple[Any, Any, Any], noise: tuple[Any, Any, Any], moments: tuple[Any, Any], n: Any,
    force: tuple[Any, Any, Any], ridge: Any = 0.0, features: Any = jnp.inf, intercept: bool = False,
) -> RobustRegression:
    """Minimise sum_i rho(y_i - f(x_i)) + (ridge/2)|w|^2 on `n` rows, rho' = clip(r / softness, low, high).

    `spectrum`: eigenvalues, multiplicity and power (modes,); `noise`: shares, means and deviations (parts,) of normal laws,
    with the `moments`, mean and variance, of their mixture; `force` = (softness, low, high): (1, -d, d) is Huber's loss,
    (0, -1, 1) the absolute one, (0, level - 1, level) that of a quantile.  `ridge` >= 0, 0 the limit from above; `features`
    > 0 or inf; scalars, traceable.  Exact as n, modes and features grow together.  Source: arXiv 1301.7158 and 1503.02106
    without ridge; derived.

    >>> import jax, numpy as np
    >>> one, normal = np.ones(1), (np.ones(1), np.zeros(1), np.ones(1))
    >>> with jax.enable_x64(True):  # p = 50 of n = 150: least squares has excess p / (n - p)
    ...     found = robust_regression((one, 50 * one, one), normal, (0.0, 1.0), 150.0, (1.0, -1e3, 1e3))
    >>> round(float(found.excess), 9)
    0.5
    """
    as_floats = partial(jax.tree.map, lambda leaf: jnp.asarray(leaf, jnp.float64))
    given = as_floats((spectrum, noise, n, force, features))
    mean, variance = as_floats(moments)
    (eigenvalues, multiplicity, _), ridge = given[0], jnp.asarray(ridge, jnp.float64)
    held, frozen = jax.lax.stop_gradient((ridge, given))
    reach = jnp.maximum(given[2] * jnp.max(eigenvalues), multiplicity @ eigenvalues)
    first = jax.lax.stop_gradient(NULL_RIDGE * jnp.maximum(reach, held))
    last = jnp.where(held > 0.0, held, first * NEAR_ZERO)
    frozen = (*frozen, balanced_intercept(frozen, 0.0, jnp.zeros(())) if intercept else jnp.ones(()))
    start = _start(frozen, first, intercept)
    given = (*given, frozen[-1])
    x, left = follow(
        lambda x, log_ridge: _residual(x, frozen, jnp.exp(log_ridge), intercept), start, jnp.log(first), jnp.log(last),
        TOLERANCE,
    )
    scale = jnp.where(ridge > 0.0, ridge, last)
    x = implicit(lambda y: _residual(y, given, scale, intercept), x)
    gamma, excess, kappa, norm, bend = _answer(x, given, scale)[:5]
    height = _intercept(x, given)
    return RobustRegression(
        excess=excess, offset=variance + (mean - height) ** 2, norm=norm, intercept=height,
        clipped=1.0 - bend * (given[3][0] + jnp.exp(x[0])), gamma=gamma, kappa=kappa, residual=left,
        converged=left < CONVERGED,
    )


def _answer(x: Array, given: Any, ridge: Any) -> tuple[Array, ...]:
    """What weights answer to the forces: gamma, excess, kappa, norm; E F' and E F of the forces."""
    (eigenvalues, multiplicity, power), (shares, means, deviations), n, (softness, low, high), features, _ = given
    slope, deviation = 1.0 / (softness + jnp.exp(x[0])), jnp.sqrt(deviations**2 + jnp.exp(x[1]))
    moments = clipped_moments(means - _intercept(x, given), deviation, slope, low, high)
    mean, square, bend = (shares @ each for each in moments)
    curvature = n * bend
    kappa = effective_ridge(curvature * eigenvalues, multiplicity, ridge, features) / curvature
    learned = eigenvalues / (eigenvalues + kappa)
    df2 = multiplicity @ learned**2
    spread = multiplicity @ (learned / (eigenvalues + kappa))
    noise = square / (n * bend**2)
    norm = (power @ (learned / (eigenvalues + kappa)) + noise * spread) / (1.0 - df2 / features)
    excess = power @ (1.0 - learned) ** 2 + noise * df2 + kappa**2 * norm * spread / features
    return multiplicity @ learned / curvature, excess, kappa, norm, bend, mean


def _intercept(x: Array, given: Any) -> Array:
    """In units of the excess risk and of the intercept that noise alone would have."""
    return x[2] * (jnp.exp(0.5 * x[1]) + jnp.abs(given[-1]))


def balanced_intercept(given: Any, gamma: Any, excess: Array) -> Array:
    """The intercept at which forces are balanced, the risk being `excess`, by bisection."""
    _, (shares, means, deviations), _, (softness, low, high), *_ = given
    slope, deviation = 1.0 / (softness + gamma + 1e-9), jnp.sqrt(deviations**2 + excess)
    far = jnp.max(jnp.abs(means)) + 9.0 * jnp.max(deviation)

    def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (ends[0] + ends[1])
        upward = shares @ clipped_moments(means - middle, deviation, slope, low, high)[0] > 0.0
        return jnp.where(upward, middle, ends[0]), jnp.where(upward, ends[1], middle)

    low_end, high_end = jax.lax.fori_loop(0, 200, halve, (-far, far))
    return 0.5 * (low_end + high_end)


def _start(given: Any, ridge: Any, intercept: bool) -> Array:
    """Nearly no weights: the risk is the signal's power, or where there is none what noise makes of it."""
    (eigenvalues, multiplicity, power), *_ = given
    gamma, zero = multiplicity @ eigenvalues / ridge, jnp.zeros(())
    signal = jnp.sum(power)
    for _ in range(2):
        signal = jnp.maximum(signal, 1e-200)
        height = balanced_intercept(given, gamma, signal) / (jnp.sqrt(signal) + jnp.abs(given[-1])) if intercept else zero
        x = jnp.stack([jnp.log(gamma), jnp.log(signal), height])
        signal = _answer(x, given, ridge)[1]
    return x


def _residual(x: Array, given: Any, ridge: Any, intercept: bool) -> Array:
    """The equations, each of order 1."""
    gamma, excess, *_, mean = _answer(x, given, ridge)
    balance = mean / (given[3][2] - given[3][1]) if intercept else x[2]
    return jnp.stack([jnp.log(gamma) - x[0], jnp.log(excess) - x[1], balance])
