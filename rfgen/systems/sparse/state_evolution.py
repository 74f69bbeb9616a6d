"""Linear regression with a separable convex penalty, on isotropic Gaussian inputs: its state evolution.

What is fitted is, coordinate by coordinate, the proximal map of theta J at beta + tau Z, Z standard normal.  With R the
test risk, and x, x' the map and its slope there,

    n tau^2 = R = noise + sum_j E (x_j - beta_j)^2,    n = sum_j E x_j' + penalty / theta,

the second without its last term for what interpolates.  The two equations are where a function that is convex in tau and
concave in 1/theta is stationary.  So there is one solution, and two nested root searches find it: theta where the slope in
1/theta vanishes at fixed tau, then tau where R = n tau^2; each function changes its sign once.

Samples seen in views are rows of several variances and labels, which their column of one coordinate weighs by
1/(1 + a chi), a the variance of a row and chi how much a unit of force moves a prediction.  Of those of most variance, a_1,
u = 1/(1 + a_1 chi) = penalty/(n a_1 theta); so the rest weigh e(u) = 1/(r + (1 - r) u) as much, r = a/a_1, and in place of
beta + tau Z and theta stand t beta + q tau Z and q theta.  Equations: theory (12.1), (12.13) and (12.14).
"""

__all__ = ["StateEvolution", "state_evolution"]

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.implicit import implicit
from rfgen.numerics.monotone_root import decreasing_root
from rfgen.systems.sparse.mixed_columns import MixedColumns
from rfgen.systems.sparse.proximal_maps import HyperbolicEntropy, ProximalMeans, Shrinkage, SoftThreshold
from rfgen.systems.sparse.row_groups import CLEAN, RowGroups

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
    proximal: SoftThreshold | Shrinkage | HyperbolicEntropy | MixedColumns, coefficients: Any, multiplicity: Any,
    noise: Any, n: Any, penalty: Any = 0.0, rows: RowGroups = CLEAN,
) -> StateEvolution:
    """What minimises sum_i (y_i - x_i.b)^2/2 + penalty sum_j J(b_j) on n samples; penalty 0: least J among interpolators.

    `proximal` is the map of J; `coefficients` (levels,) distinct sizes >= 0 and `multiplicity` (levels,) how often each
    occurs; `noise` >= 0, `n` > 0, `penalty` >= 0 scalars, traceable: jit, grad, vmap; `rows` of a sample in its views, over
    which squares are averaged: `row_groups(augmentation)`.

    Exact as n and the number of coefficients grow together, the share of nonzeros fixed; at finite n errors are of
    relative order 1/n, and few samples for the number of nonzeros recover rarely what theory recovers always.  With rows of
    at least the number of coefficients penalty 0 is least squares; its risk is inf where both are equal, unless noise is 0.
    Without noise, risks below 1e-18 of the squared smallest nonzero coefficient count as 0, exact recovery.

    Source: the state evolution of arXiv 1008.2581 (lasso); other penalties, and views, derived.

    >>> import jax, rfgen
    >>> from rfgen.systems.sparse.problem import SparseRegression
    >>> task = SparseRegression.equal(dim=400, nonzeros=8, noise=0.25)
    >>> with jax.enable_x64(True):
    ...     least = state_evolution(SoftThreshold(), task.coefficients, task.multiplicity, task.noise, 160.0)
    >>> round(float(least.test), 4), round(float(least.active), 9)
    (0.5999, 160.0)
    """
    return _solved(proximal, coefficients, multiplicity, noise, n, penalty, rows, kind=type(proximal))


@record
class _Point:
    """At tau and theta of the rows of most variance: the proximal `means` of each coefficient, around `pulled` times
    itself, t, at `scale` times tau and theta, q; `trained`, u, what training leaves of the residuals of these rows, and of
    those of other rows `weighed` times as much, e; `risk`, R.
    """

    means: ProximalMeans
    pulled: Any
    scale: Any
    trained: Any
    weighed: Any
    risk: Any

    def error(self, center: Any, coefficients: Array, multiplicity: Array) -> Array:
        """E |b - center beta|^2."""
        off = self.pulled - center
        moved, square = multiplicity @ self.means.moved(coefficients, self.pulled), multiplicity @ coefficients**2
        return multiplicity @ self.means.error + off * (2.0 * moved + off * square)


# `kind`: trees of two registered dataclasses are equal to JAX (0.10.2), which took one map's program for the other's
@partial(jax.jit, static_argnames="kind")
def _solved(
    proximal: Any, coefficients: Any, multiplicity: Any, noise: Any, n: Any, penalty: Any, rows: RowGroups, kind: type
) -> StateEvolution:
    del kind
    coefficients, multiplicity, noise, n, penalty, rows = jax.tree.map(
        lambda value: jnp.asarray(value, jnp.float64), (coefficients, multiplicity, noise, n, penalty, rows)
    )
    dim, signal = jnp.sum(multiplicity), multiplicity @ coefficients**2
    # beyond, the threshold leaves the range of double precision, and the solution has long been that of penalty 0, or inf
    whole = jnp.sqrt(n * (noise + signal))
    least, most = NEGLIGIBLE * whole, jnp.where(whole > 0.0, whole / NEGLIGIBLE, jnp.inf)
    penalty = jnp.where(penalty < least, 0.0, jnp.minimum(penalty, most))
    # a ridge stands for rows without end
    count = n * jnp.where(jnp.any((rows.weight > 0.0) & (rows.variance == 0.0)), jnp.inf, jnp.sum(rows.share))
    overdetermined = (penalty == 0.0) & (count >= dim)
    # least squares are not searched for
    searched = jnp.where(overdetermined, jnp.where(whole > 0.0, whole, 1.0), penalty)

    given = (proximal, coefficients, multiplicity, noise, n, searched, rows)
    frozen = jax.lax.stop_gradient(given)
    nonzero = jnp.min(jnp.where(coefficients > 0.0, coefficients, jnp.inf))
    top = jnp.max(rows.variance)
    floor = rows.weight @ (rows.label * noise + rows.misfit * signal) / top**2
    noisy, empty = floor > 0.0, jnp.isinf(nonzero)
    lower, start = jax.lax.stop_gradient(
        (
            jnp.log(jnp.where(noisy, jnp.sqrt(floor / n), EXACT * jnp.where(empty, 1.0, nonzero))),
            0.5 * jnp.log((floor + jnp.where(signal > 0.0, signal, 1.0)) / n),
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
    z = implicit(lambda z: _residual(z, given), zero)
    at, left = _point(z, given), jnp.max(jnp.abs(jnp.expm1(_residual(z, given))))
    found = _measured(at, given, jnp.exp(z[0]), jnp.exp(z[1]))
    # a risk above that of predicting zero holds the rounding multiplied by as much
    fine = left * jnp.maximum(1.0, found.test / jnp.where(empty & ~noisy, 1.0, noise + signal)) < CONVERGED
    found = replace(found, residual=left, converged=fine)
    none, solved = jnp.zeros_like(n), jnp.ones_like(exact)
    # all that is 0 stays 0 by the proximal maps that can
    kept = jnp.where(coefficients > 0.0, 1.0, 0.0)
    missed = (at.pulled - 1.0) ** 2 * signal
    recovered = StateEvolution(
        missed, missed, none, at.pulled**2 * signal, multiplicity @ kept, kept, none, none, none, solved
    )
    least_squares = _least_squares(given, count)
    ordinary = _measured(*least_squares)
    # noise 0 is fitted exactly, with as many rows as coefficients too
    finite = (count > dim) | (least_squares[0].risk == 0.0)
    ordinary = replace(ordinary, train=jnp.where(count > dim, ordinary.train, rows.idle * (noise + signal)), **{
        name: jnp.where(finite, getattr(ordinary, name), jnp.inf) for name in ("test", "excess", "norm", "tau")
    })
    found = jax.tree.map(lambda this, other: jnp.where(exact, this, other), recovered, found)
    return jax.tree.map(lambda this, other: jnp.where(overdetermined, this, other), ordinary, found)


def _measured(at: _Point, given: Any, tau: Any, theta: Any) -> StateEvolution:
    _, coefficients, multiplicity, noise, _, _, rows = given
    excess, signal = at.error(1.0, coefficients, multiplicity), multiplicity @ coefficients**2
    missed = rows.share * (rows.label * noise + rows.misfit * signal)
    missed = missed + rows.weight * at.error(rows.signal, coefficients, multiplicity)
    train = at.trained**2 * (at.weighed**2 @ missed) + rows.idle * (noise + signal)
    return StateEvolution(
        test=noise + excess, excess=excess, train=train, norm=multiplicity @ at.means.square,
        active=multiplicity @ at.means.slope, active_by_level=at.means.slope, tau=at.scale * tau, theta=at.scale * theta,
        residual=jnp.zeros_like(excess), converged=jnp.ones_like(excess, bool),
    )


def _weighed(trained: Any, rows: RowGroups) -> tuple[Array, Array, Array]:
    """e, q and t at u."""
    part = rows.variance / jnp.max(rows.variance)
    weighed = 1.0 / (part + (1.0 - part) * trained)
    pull = rows.weight * weighed
    return weighed, jnp.max(rows.variance) / jnp.sum(pull), pull @ rows.signal / jnp.sum(pull)


def _risk(weighed: Array, errors: Any, given: Any) -> Array:
    """R of rows that weigh so much, `errors` (groups,) being those of the coefficients."""
    _, coefficients, multiplicity, noise, _, _, rows = given
    missed = rows.label * noise + rows.misfit * (multiplicity @ coefficients**2) + rows.variance * errors
    return (rows.weight * weighed**2) @ missed / jnp.max(rows.variance) ** 2


def _least_squares(given: Any, count: Any) -> tuple[Any, ...]:
    """The point, and what else is measured there, of penalty 0 on `count` rows, at least as many as coefficients: theta is
    0, and n (1 - u) = q dim.
    """
    _, coefficients, multiplicity, _, n, _, rows = given
    dim, size = jnp.sum(multiplicity), jnp.ones_like(coefficients)
    searched = jnp.where(count > dim, n, 2.0 * dim)

    def short(log_u: Array) -> tuple[Array, Array]:
        def of(at: Array) -> Array:
            return -jnp.expm1(at) / (_weighed(jnp.exp(at), rows)[1]) - dim / searched

        return jax.jvp(of, (log_u,), (jnp.ones_like(log_u),))

    half = jnp.asarray(-1.0, n.dtype)
    trained = jnp.exp(decreasing_root(short, 700.0 * half, 0.0 * half, half))
    weighed, scale, pulled = _weighed(trained, rows)
    signal = multiplicity @ coefficients**2
    still, moving = (_risk(weighed, one, given) for one in ((pulled - rows.signal) ** 2 * signal, scale**2 * dim))
    moving = moving - _risk(weighed, jnp.zeros(()), given)
    risk = n * still / jnp.where(n > moving, n - moving, 1.0)
    noise = scale**2 * risk / n
    means = ProximalMeans(size, noise * size, pulled**2 * coefficients**2 + noise, 0.0 * size)
    return _Point(means, pulled, scale, trained, weighed, risk), given, jnp.sqrt(risk / n), jnp.zeros_like(n)


def _point(z: Array, given: Any) -> _Point:
    return _traced_once(z, given, kind=type(given[0]))


# the searches ask for it 18 times, each with derivatives
@partial(jax.jit, static_argnames="kind")
def _traced_once(z: Array, given: Any, kind: type) -> _Point:
    del kind
    proximal, coefficients, multiplicity, _, size, penalty, rows = given
    tau, theta = jnp.exp(z[0]), jnp.exp(z[1])
    trained = jnp.minimum(penalty / (size * jnp.max(rows.variance) * theta), 1e200)
    weighed, scale, pulled = _weighed(trained, rows)
    means = jax.vmap(lambda beta: proximal.means(pulled * beta, scale * tau, scale * theta))(coefficients)
    point = _Point(means, pulled, scale, trained, weighed, jnp.zeros(()))
    return replace(point, risk=_risk(weighed, point.error(rows.signal, coefficients, multiplicity), given))


def _residual(z: Array, given: Any) -> Array:
    """log R/(n tau^2) and the slope in 1/theta, as the logarithm of a ratio, (2,), at z = (log tau, log theta)."""
    size, at = given[4], _point(z, given)
    ratio = at.risk * jnp.exp(-2.0 * z[0])
    slopes = at.scale * (given[2] @ at.means.slope) + size * at.trained
    return jnp.stack([jnp.log(ratio / size), jnp.log(slopes) - jnp.log(0.5 * (size + ratio))])


def _theta(log_tau: Array, given: Any) -> tuple[Array, Array]:
    """log theta where the slope in 1/theta vanishes, and whether it does; the lower end where it never does."""
    proximal, *_, size, penalty, _ = given
    scale = jnp.log(proximal.scale(jnp.exp(log_tau)) + penalty / size)
    lower, upper = jnp.maximum(scale - THETA_RANGE, -690.0), jnp.minimum(scale + THETA_RANGE, 690.0)

    def slope(log_theta: Array) -> tuple[Array, Array]:
        def of(at: Array) -> Array:
            return _residual(jnp.stack([log_tau, at]), given)[1]

        return jax.jvp(of, (log_theta,), (jnp.ones_like(log_theta),))

    found = decreasing_root(slope, lower, upper, scale)
    return found, found > lower + 1e-6
