"""Models trained on the same rows, each with random features, or draws of the rows, of its own: what their scores share.

Two members' left-out scores of a row are normal, each of variance q, of covariance s; given what its label knows of them
they have the correlation rho.  A force of one score, averaged over the member's own draws, is sum_k a_k He_k / sqrt(k!), so
that E F F' = sum_k a_k^2 rho^k, F being that mean; the covariance of the two weight vectors is that of the common forces,

    s_g = wbar' S_g wbar + tr(S_g Q X' Q),   X' = sum_g n_g a_g^2 E[F F'] S_g:

increasing and convex in s, solved from below.  The mean of M members has scores of variance s + (q - s)/M.
Equations: theory (8.11).
"""

__all__ = ["PairedKinds", "mean_spread", "paired_spread"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Equilibrium, Forces
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.weight_response import WeightResponse
from rfgen.numerics.compilation.record import record
from rfgen.numerics.continuation import newton
from rfgen.numerics.implicit import implicit
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes

# Terms of the series; of one draw the rest is known from E F^2.
TERMS = 64
TOLERANCE = 1e-13


@record
class PairedKinds:
    """Kinds of rows: `count`, loss `weight`, `mean` of left-out margins, `told`, the part of both scores' variance that the
    kind knows, and `component`, whose gamma and spread they have, (kinds,).
    """

    count: Any
    weight: Any
    mean: Any
    told: Any
    component: Any


def mean_spread(
    rows: Any, weights: Any, solved: Equilibrium, loss: MarginLoss, draws: tuple[Any, Any] | None, members: Any,
    clean: Any,
) -> Array:
    """Variance of the mean score of `members` >= 1 (inf: of all) of inputs of variances `clean` (parts, levels): (parts,).

    `rows` before resampling, which tell their kinds by `pairs(state)`; `draws` as in `drawn_rows`.
    """
    state = solved.state
    kinds = rows.pairs(state)
    times, chances = (jnp.ones(1), jnp.ones(1)) if draws is None else (jnp.asarray(part) for part in draws)
    squares, rest = _coefficients(kinds, state, loss, solved.scale, times, chances)
    told, spread = kinds.told, state.spread

    def power(shared: Array) -> Array:
        part = shared[kinds.component] - told
        rho = jnp.clip(part / (spread[kinds.component] - told), 0.0, 1.0)
        both = jnp.polyval(squares.T[::-1], rho) + rest * rho**TERMS
        return jax.ops.segment_sum(kinds.count * kinds.weight**2 * both, kinds.component, spread.size)

    return paired_spread(weights, solved.forces, solved.answer, spread, power, members, clean)


def paired_spread(
    weights: Any, forces: Forces, answer: WeightResponse, spread: Any, power: Callable[[Array], Array], members: Any,
    clean: Any, known: Any = 0.0,
) -> Array:
    """The same where `power(shared)`, (parts,), is X' of scores of variances `spread` and covariances `shared`, (parts,),
    which are by `known` more than those of the weights.
    """
    resolvent = 1.0 / (forces.slope @ weights.variances + answer.nu)
    square = resolvent * resolvent
    lengths = jnp.einsum("d,del,e->l", forces.pull, weights.overlaps, forces.pull) * square
    counted = weights.multiplicity * square
    base, moved = weights.variances @ lengths + known, (weights.variances * counted) @ weights.variances.T

    def residual(shared: Array) -> Array:
        """In units of the spread."""
        return (base + moved @ power(shared * spread)) / spread - shared

    shared, _ = newton(residual, jax.lax.stop_gradient(base / spread), TOLERANCE)
    own = forces.power @ weights.variances + answer.feature_power
    common = power(implicit(residual, shared) * spread) @ weights.variances
    one, both = (clean @ (lengths + counted * part) for part in (own, common))
    return both + (one - both) / members


def _coefficients(
    kinds: PairedKinds, state: Any, loss: MarginLoss, scale: Any, times: Array, chances: Array
) -> tuple[Array, Array]:
    """a_k^2 (kinds, terms), and what further terms add up to, (kinds,), of one draw."""
    gamma = kinds.weight * state.gamma[kinds.component]
    deviation = jnp.sqrt(state.spread[kinds.component] - kinds.told)

    def of_draw(at: tuple[Array, Array]) -> tuple[Array, Array]:
        number, chance = at

        def of_kind(mean: Any, deviation: Any, gamma: Any) -> tuple[Array, Array]:
            margins, measure = normal_nodes(mean, deviation, loss.kinks(number * gamma, scale))
            force = number * chance * loss.force(margins, number * gamma, scale)[0]
            z = (margins - mean) / deviation

            def further(pair: tuple[Array, Array], order: Any) -> tuple[tuple[Array, Array], Array]:
                before, now = pair
                after = (z * now - jnp.sqrt(order) * before) / jnp.sqrt(order + 1.0)
                return (now, after), measure @ (force * now)

            start = jnp.zeros_like(z), jnp.ones_like(z)
            return jax.lax.scan(further, start, jnp.arange(TERMS, dtype=z.dtype))[1], measure @ force**2

        return jax.vmap(of_kind)(kinds.mean, deviation, gamma)

    found, total = jax.lax.map(of_draw, (times, chances))
    squares = jnp.sum(found, axis=0) ** 2
    rest = total[0] - jnp.sum(squares, axis=1) if times.size == 1 else jnp.zeros_like(total[0])
    return squares, jnp.maximum(rest, 0.0)
