"""Models trained on the same rows, each with random features, or draws of the rows, of its own: what their scores share.

Two members' left-out scores of a row are normal, each of variance q, of covariance s; given what its label knows of them
they have the correlation rho.  A force of one score, averaged over the member's own draws, is sum_k a_k He_k / sqrt(k!), so
that E F F' = sum_k a_k^2 rho^k, F being that mean; the covariance of the two weight vectors is that of the common forces,

    s_g = wbar' S_g wbar + tr(S_g Q X' Q),   X' = sum_g n_g a_g^2 E[F F'] S_g:

increasing and convex in s, solved from below.  The mean of M members has scores of variance s + (q - s)/M.
Private parts of several views have a correlation of their own, and the series two variables.
Equations: theory (8.11) and (8.12).
"""

__all__ = ["PairedForces", "coefficients", "given_u", "line_forces", "mean_spread", "paired_spread"]

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Equilibrium, Forces
from rfgen.equivalents.margin.weight_response import WeightResponse
from rfgen.numerics.compilation.record import record
from rfgen.numerics.continuation import newton
from rfgen.numerics.implicit import implicit

# Terms of the series; of one draw the rest is known from E F^2, and stands behind them.
TERMS = 64
TOLERANCE = 1e-13


@record
class PairedForces:
    """Kinds of rows: `count`, rows times squared loss weights, `told`, the part of both scores' variance that the kind
    knows, (kinds,), and the square of how far each component's scores move the kind's, `scores` (kinds, components);
    `series` (kinds, TERMS + 1, orders), sums of squared coefficients by orders in the common score and in the private ones.

    Where views have private scores these are of components `own` (kinds, components), forces on them of `own_series`.
    """

    count: Any
    told: Any
    scores: Any
    series: Any
    own: Any = None
    own_series: Any = None

    def power(self, shared: Array, spread: Array) -> Array:
        """X' by components, of scores whose covariances are `shared`, in units of their variances `spread`."""

        def ratio(scores: Array, told: Any) -> Array:
            return jnp.clip((scores @ (shared * spread) - told) / (scores @ spread - told), 0.0, 1.0)

        rho, found = ratio(self.scores, self.told), jnp.zeros_like(spread)
        own = jnp.zeros_like(rho) if self.own is None else ratio(self.own, 0.0)
        for scores, series in ((self.scores, self.series), (self.own, self.own_series)):
            if scores is not None:
                of_order = jnp.polyval(jnp.moveaxis(series, 2, 0)[::-1], own[:, None])
                found = found + (self.count * jnp.polyval(of_order.T[::-1], rho)) @ scores
        return found


def mean_spread(
    rows: Any, weights: Any, solved: Equilibrium, loss: Any, draws: tuple[Any, Any] | None, members: Any, clean: Any,
) -> Array:
    """Variance of the mean score of `members` >= 1 (inf: of all) of inputs of variances `clean` (parts, levels): (parts,).

    `rows` before resampling, which tell their forces by `pairs(state, loss, scale, draws)`; `draws` as in `drawn_rows`.
    """
    drawn = (jnp.ones(1), jnp.ones(1)) if draws is None else tuple(jnp.asarray(part) for part in draws)
    pairs, spread = rows.pairs(solved.state, loss, solved.scale, drawn), solved.state.spread
    return paired_spread(
        weights, solved.forces, solved.answer, spread, lambda shared: pairs.power(shared, spread), members, clean
    )


def paired_spread(
    weights: Any, forces: Forces, answer: WeightResponse, spread: Any, power: Callable[[Array], Array], members: Any,
    clean: Any, known: Any = 0.0,
) -> Array:
    """The same where `power(shared)`, (parts,), is X' of scores of variances `spread` whose covariances, in units of these,
    are `shared`, and by `known` more than those of the weights.
    """
    resolvent = 1.0 / (forces.slope @ weights.variances + answer.nu)
    square = resolvent * resolvent
    lengths = jnp.einsum("d,del,e->l", forces.pull, weights.overlaps, forces.pull) * square
    counted = weights.multiplicity * square
    base, moved = weights.variances @ lengths + known, (weights.variances * counted) @ weights.variances.T

    def residual(shared: Array) -> Array:
        return (base + moved @ power(shared)) / spread - shared

    shared, _ = newton(residual, jax.lax.stop_gradient(base / spread), TOLERANCE)
    own = forces.power @ weights.variances + answer.feature_power
    common = power(implicit(residual, shared)) @ weights.variances
    one, both = (clean @ (lengths + counted * part) for part in (own, common))
    return both + (one - both) / members


def coefficients(z: Array, sums: Callable[[Array], Array]) -> Array:
    """`sums(h)` of the first TERMS normalised Hermite polynomials h of `z`, (TERMS, ...)."""

    def further(pair: tuple[Array, Array], order: Any) -> tuple[tuple[Array, Array], Array]:
        before, now = pair
        after = (z * now - jnp.sqrt(order) * before) / jnp.sqrt(order + 1.0)
        return (now, after), sums(now)

    start = jnp.zeros_like(z), jnp.ones_like(z)
    return jax.lax.scan(further, start, jnp.arange(TERMS, dtype=z.dtype))[1]


def given_u(correlation: Any, u: Array) -> Array:
    """Coefficients of a function of z given u, times those without: z = correlation u + rest, (values, TERMS, TERMS)."""
    orders = np.arange(TERMS)
    ways = np.array([[math.sqrt(math.comb(j, i)) for j in range(TERMS)] for i in range(TERMS)])
    powers, rests = (
        jnp.concatenate([jnp.ones(1), jnp.cumprod(jnp.full(TERMS - 1, base))])
        for base in (correlation, jnp.sqrt(1.0 - correlation**2))
    )
    h = jax.vmap(lambda at: coefficients(at, lambda h: h))(u)
    apart = orders - orders[:, None]
    place = np.maximum(apart, 0)
    return jnp.where(apart >= 0, ways * powers[place] * rests[:, None] * h[:, place], 0.0)


def line_forces(
    of_kind: Callable[..., tuple[Array, Array, Array]], kinds: Any, draws: tuple[Array, Array],
    told: tuple[Any, Any] | None = None,
) -> Array:
    """The series of forces of one score: `of_kind(number, *kind)` are nodes of it, in deviations about its mean, their
    measure, and forces on a row drawn `number` times.

    `told`, what more is known: the correlation of scores with u, (kinds,), and u, (kinds, values), each a
    kind for itself.
    """
    times, chances = draws
    # nothing more is as something that scores do not depend on
    correlation, known = (jnp.zeros_like(kinds[0]), jnp.zeros((kinds[0].size, 1))) if told is None else told

    def of_draw(at: tuple[Array, Array]) -> tuple[Array, Array]:
        number, chance = at

        def of(correlation: Any, u: Any, *kind: Any) -> tuple[Array, Array]:
            z, measure, force = of_kind(number, *kind)
            force = number * chance * force
            rest = 1.0 - correlation**2
            away = jnp.exp(0.5 * z**2 - 0.5 * (z - correlation * u[:, None]) ** 2 / rest) / jnp.sqrt(rest)
            return coefficients(z, lambda h: measure @ (force * h)), away @ (measure * force**2)

        return jax.vmap(of)(correlation, known, *kinds)

    found, total = jax.lax.map(of_draw, (times, chances))
    found = jnp.sum(found, axis=0)
    if told is not None:
        found = jnp.einsum("kuij,kj->kui", jax.vmap(given_u)(correlation, known), found)
    squares = found.reshape(-1, found.shape[-1]) ** 2
    rest = total[0].ravel() - jnp.sum(squares, axis=1) if times.size == 1 else jnp.zeros(len(squares))
    return jnp.concatenate([squares, jnp.maximum(rest, 0.0)[:, None]], axis=1)[:, :, None]
