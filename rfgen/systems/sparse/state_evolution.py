"""Linear regression with a separable convex penalty, on isotropic Gaussian inputs: its state evolution.

What is fitted is, coordinate by coordinate, the proximal map of theta J at beta + tau Z, Z standard normal.  With R the
test risk, and x, x' the map and its slope there,

    n tau^2 = R = noise + sum_j E (x_j - beta_j)^2,    n = sum_j E x_j' + penalty / theta,

the second without its last term for what interpolates.  The two equations are where a function that is convex in tau and
concave in 1/theta is stationary.  So there is one solution, and two nested root searches find it: theta where the slope in
1/theta vanishes at fixed tau, then tau where R = n tau^2; each function changes its sign once.  Equations: theory (12.1).
"""

__all__ = ["StateEvolution", "state_evolution"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.implicit import implicit
from rfgen.numerics.monotone_root import decreasing_root
from rfgen.systems.sparse.proximal_maps import HyperbolicEntropy, ProximalMeans, Shrinkage, SoftThreshold

# Largest relative error, by the residual, that counts as solved.
CONVERGED = 1e-9
# Without noise, tau below this part of the smallest coefficient counts as exact recovery.
EXACT = 1e-9
# Penalties below this part of the residual's size are 0, and above its inverse no larger: at 1e-300 and 1e300 the
# threshold's logarithm leaves the range searched.
NEGLIGIBLE = 1e-100
# Logarithms searched: of tau above its least value, of theta on either side of the scale of the map.
TAU_RANGE, THETA_RANGE = 60.0, 690.0


@record
class StateEvolution:
    """One point; fields are scalars (), or batched by vmap.  Risks are in units of the target squared.

    `test` risk = noise + `excess`; `train`: mean squared residual; `norm`: mean squared length of the fitted coefficients;
    `active`: sum of mean slopes, degrees of freedom, for soft thresholding the mean number of coefficients not 0, and
    `active_by_level` (levels,) the slope of each distinct coefficient; `tau`, `theta`; relative `residual` of the two
    equations and whether it `converged`.
    """

    test: Float[Array, "*batch"]
    excess: Float[Array, "*batch"]
    train: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    active: Float[Array, "*batch"]
    active_by_level: Float[Array, "*batch levels"]
    tau: Float[Array, "*batch"]
    theta: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@needs_double_precision
def state_evolution(
    proximal: SoftThreshold | Shrinkage | HyperbolicEntropy, coefficients: Any, multiplicity: Any, noise: Any, n: Any,
    penalty: Any = 0.0,
) -> StateEvolution:
    """What minimises sum_i (y_i - x_i.b)^2/2 + penalty sum_j J(b_j) on n samples; penalty 0: least J among interpolators.

    `proximal` is the map of J; `coefficients` (levels,) distinct sizes >= 0 and `multiplicity` (levels,) how often each
    occurs; `noise` >= 0, `n` > 0, `penalty` >= 0 scalars, traceable: jit, grad, vmap.

    Exact as n and the number of coefficients grow together, the share of nonzeros fixed; at finite n errors are of
    relative order 1/n, and few samples for the number of nonzeros recover rarely what theory recovers always.  With n of at
    least the number of coefficients penalty 0 is least squares; its risk is inf where both are equal, unless noise is 0.
    Without noise, risks below 1e-18 of the squared smallest nonzero coefficient count as 0, exact recovery.

    Source: the state evolution of arXiv 1008.2581 (lasso); other penalties derived.

    >>> import jax, rfgen
    >>> from rfgen.systems.sparse.problem import SparseRegression
    >>> task = SparseRegression.equal(dim=400, nonzeros=8, noise=0.25)
    >>> with jax.enable_x64(True):
    ...     least = state_evolution(SoftThreshold(), task.coefficients, task.multiplicity, task.noise, 160.0)
    >>> round(float(least.test), 4), round(float(least.active), 9)
    (0.5999, 160.0)
    """
    return _solved(proximal, coefficients, multiplicity, noise, n, penalty, kind=type(proximal))


# `kind`: trees of two registered dataclasses are equal to JAX (0.10.2), which took one map's program for the other's
@partial(jax.jit, static_argnames="kind")
def _solved(
    proximal: Any, coefficients: Any, multiplicity: Any, noise: Any, n: Any, penalty: Any, kind: type
) -> StateEvolution:
    del kind
    coefficients, multiplicity, noise, n, penalty = (
        jnp.asarray(value, jnp.float64) for value in (coefficients, multiplicity, noise, n, penalty)
    )
    dim, signal = jnp.sum(multiplicity), multiplicity @ coefficients**2
    # beyond, the threshold leaves the range of double precision, and the solution has long been that of penalty 0, or inf
    whole = jnp.sqrt(n * (noise + signal))
    least, most = NEGLIGIBLE * whole, jnp.where(whole > 0.0, whole / NEGLIGIBLE, jnp.inf)
    penalty = jnp.where(penalty < least, 0.0, jnp.minimum(penalty, most))
    overdetermined = (penalty == 0.0) & (n >= dim)
    size = jnp.where(overdetermined, 0.5 * dim, n)  # least squares are not searched for

    given = (proximal, coefficients, multiplicity, noise, size, penalty)
    frozen = jax.lax.stop_gradient(given)
    nonzero = jnp.min(jnp.where(coefficients > 0.0, coefficients, jnp.inf))
    noisy, empty = noise > 0.0, jnp.isinf(nonzero)
    lower, start = jax.lax.stop_gradient(
        (
            jnp.log(jnp.where(noisy, jnp.sqrt(noise / size), EXACT * jnp.where(empty, 1.0, nonzero))),
            0.5 * jnp.log((noise + jnp.where(signal > 0.0, signal, 1.0)) / size),
        )
    )

    def shortfall(log_tau: Array) -> tuple[Array, Array]:
        """log R/(n tau^2) at the best theta, and its slope."""
        log_theta, inside = _theta(log_tau, frozen)
        at = jnp.stack([log_tau, log_theta])
        (along, across), value = jax.jacfwd(lambda z: (_residual(z, frozen),) * 2, has_aux=True)(at)
        moved = jnp.where(inside, across[0] / jnp.where(inside, across[1], 1.0), 0.0)
        return value[0], along[0] - moved * along[1]

    log_tau = decreasing_root(shortfall, lower, jnp.maximum(lower, start) + TAU_RANGE, start)
    # where recovery is exact there is no root, and the search ends at the lower end
    exact = ~noisy & (empty | (log_tau < lower + 1e-6))
    zero = jnp.stack([log_tau, _theta(log_tau, frozen)[0]])
    log_tau, log_theta = implicit(lambda z: _residual(z, given), zero)
    of, tau, theta = _means(log_tau, log_theta, proximal, coefficients), jnp.exp(log_tau), jnp.exp(log_theta)
    excess, slopes = multiplicity @ of.error, multiplicity @ of.slope
    test = noise + excess
    left = jnp.maximum(jnp.abs(test / (size * tau**2) - 1.0), jnp.abs((slopes + penalty / theta) / size - 1.0))
    found = StateEvolution(
        test=test, excess=excess, train=test * (penalty / (theta * size)) ** 2,
        norm=multiplicity @ of.square, active=slopes, active_by_level=of.slope, tau=tau, theta=theta, residual=left,
        # a risk above that of predicting zero holds the rounding multiplied by as much
        converged=left * jnp.maximum(1.0, test / jnp.where(empty & ~noisy, 1.0, noise + signal)) < CONVERGED,
    )
    none, solved = jnp.zeros_like(n), jnp.ones_like(exact)
    # all that is 0 stays 0 by the proximal maps that can
    kept = jnp.where(coefficients > 0.0, 1.0, 0.0)
    recovered = StateEvolution(
        none, none, none, signal, multiplicity @ kept, kept, none, none, residual=none, converged=solved
    )
    # noise 0 is fitted exactly, with dim samples too
    variance = jnp.where((n > dim) | ~noisy, noise * dim / jnp.where(n > dim, n - dim, 1.0), jnp.inf)
    ordinary = StateEvolution(
        test=noise + variance, excess=variance, train=noise * jnp.maximum(1.0 - dim / n, 0.0), norm=signal + variance,
        active=dim, active_by_level=jnp.ones_like(coefficients), tau=jnp.sqrt((noise + variance) / n), theta=none,
        residual=none, converged=solved,
    )
    found = jax.tree.map(lambda this, other: jnp.where(exact, this, other), recovered, found)
    return jax.tree.map(lambda this, other: jnp.where(overdetermined, this, other), ordinary, found)


def _means(log_tau: Array, log_theta: Array, proximal: Any, coefficients: Array) -> ProximalMeans:
    return _traced_once(log_tau, log_theta, proximal, coefficients, kind=type(proximal))


# the searches ask for these means 18 times, each with derivatives
@partial(jax.jit, static_argnames="kind")
def _traced_once(log_tau: Array, log_theta: Array, proximal: Any, coefficients: Array, kind: type) -> ProximalMeans:
    del kind
    tau, theta = jnp.exp(log_tau), jnp.exp(log_theta)
    return jax.vmap(lambda beta: proximal.means(beta, tau, theta))(coefficients)


def _residual(z: Array, given: Any) -> Array:
    """log R/(n tau^2) and the slope in 1/theta, as the logarithm of a ratio, (2,), at z = (log tau, log theta)."""
    proximal, coefficients, multiplicity, noise, size, penalty = given
    of = _means(z[0], z[1], proximal, coefficients)
    ratio = (noise + multiplicity @ of.error) * jnp.exp(-2.0 * z[0])
    slopes = multiplicity @ of.slope + penalty * jnp.exp(-z[1])
    return jnp.stack([jnp.log(ratio / size), jnp.log(slopes) - jnp.log(0.5 * (size + ratio))])


def _theta(log_tau: Array, given: Any) -> tuple[Array, Array]:
    """log theta where the slope in 1/theta vanishes, and whether it does; the lower end where it never does."""
    proximal, *_, size, penalty = given
    scale = jnp.log(proximal.scale(jnp.exp(log_tau)) + penalty / size)
    lower, upper = jnp.maximum(scale - THETA_RANGE, -690.0), jnp.minimum(scale + THETA_RANGE, 690.0)

    def slope(log_theta: Array) -> tuple[Array, Array]:
        def of(at: Array) -> Array:
            return _residual(jnp.stack([log_tau, at]), given)[1]

        return jax.jvp(of, (log_theta,), (jnp.ones_like(log_theta),))

    found = decreasing_root(slope, lower, upper, scale)
    return found, found > lower + 1e-6
