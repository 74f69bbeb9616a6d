"""Two models trained on the same views of rows: what forces on the common part and on private ones share.

A force depends on independent normal variables, the row's common score and a private one of each view.  Of two models the
former have the correlation rho, the latter rho_p, view by view: E F F' = sum_jl C_jl rho^j rho_p^l, C_jl what Hermite
polynomials of degree j in the common score and l in all private ones add to E F^2.  Of the private ones functions of two
views are all that two views have; what three of more views do together is known from E F^2, and takes the least degree.
Equations: theory (8.12).
"""

__all__ = ["view_forces"]

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import coefficients, given_u
from rfgen.equivalents.margin.viewed_rows import NODES, ViewRule, trained_views, view_rule


def view_forces(
    loss: MarginLoss, views: float, kinds: Any, scale: Any, draws: tuple[Array, Array], told: tuple[Any, Any] | None = None,
) -> tuple[Array, Array | None]:
    """The series of the mean force of a row's views and of a private one, over the views, as `PairedForces` has them; of
    infinitely many views the former alone.

    `kinds`: mean and deviation of the common margin, deviation of private parts, gamma of both, (kinds,); `told`, what more
    is known: the correlation of margins with u, and u, (kinds, values), every one a kind for itself.
    """
    endless, times = math.isinf(views), draws[0]
    # one set of private nodes at all scores, whose polynomials are known: errors of means of hinges to 2e-5
    rule = replace(view_rule(views), sets=None, ways=None)
    # nothing more is as something that margins do not depend on
    correlation, known = (0.0, jnp.zeros((kinds[0].size, 1))) if told is None else told
    rest = jnp.sqrt(1.0 - correlation**2)

    def of_kind(at: Any) -> tuple[Array, Array]:
        kind, u = at
        mean, deviation, private, gamma, own_gamma = kind

        def of_draw(at: tuple[Array, Array]) -> tuple[Array, Array]:
            number, chance = at
            gammas = number * gamma, number * own_gamma
            rows = trained_views(loss, rule, gammas, private, mean, deviation, scale)
            z, once = (rows.margin - mean) / deviation, number * chance
            weight = once * rows.weight / deviation

            def total(u: Any) -> Array:
                density = jax.scipy.stats.norm.pdf((z - correlation * u) / rest) / rest
                both = jnp.stack([rows.force**2, rows.private])
                return once * jnp.sum(weight * density * both, axis=(1, 2))

            weight, every = weight * jax.scipy.stats.norm.pdf(z), jax.lax.map(total, u)
            if endless:
                return coefficients(z, lambda h: jnp.sum(weight * h * rows.force)[None, None]), every
            # of every set the forces at the nodes in it
            return coefficients(z, lambda h: (weight * h).T @ rows.own) * rows.share, every

        found, every = jax.lax.map(of_draw, draws)
        # what further polynomials of the common score add is known of one draw alone
        return jnp.sum(found, axis=0), every[0] if times.size == 1 else jnp.zeros((u.size, 2))

    found, total = jax.lax.map(of_kind, (kinds, known))
    given = jax.vmap(lambda u: given_u(correlation, u))(known)
    found = jnp.einsum("kuij,kjsa->kuisa", given, found).reshape(-1, *found.shape[1:])
    total = total.reshape(-1, 2)
    if endless:
        squares = found[..., 0] ** 2
        return _with_rest(squares, total[:, 0]), None
    shares = rule.counts / rule.views
    common = _by_orders(jnp.sum(found, axis=-1), rule.chances, *_of_sets(rule))
    flat = found.reshape(*found.shape[:2], -1)
    own = _by_orders(flat, (rule.chances[:, None] * shares).ravel(), *_of_one(rule))
    return _with_rest(common, total[:, 0]), _with_rest(own, rule.views * total[:, 1]) / rule.views


def _with_rest(series: Array, total: Array) -> Array:
    """`series` (kinds, TERMS, orders) with what is left of `total`, as a term of its own."""
    rest = jnp.maximum(total - jnp.sum(series, axis=(1, 2)), 0.0)
    last = jnp.zeros_like(series[:, :1]).at[:, 0, 0].set(rest)
    return jnp.concatenate([series, last], axis=1)


def _by_orders(values: Array, chances: np.ndarray, basis: np.ndarray, degree: np.ndarray, left: int) -> Array:
    """Sums of squared coefficients in the `basis` (sets, functions) by `degree`, of `values` times the `chances` (sets,);
    what the basis leaves has the degree `left`.
    """
    squares = (values @ basis) ** 2
    by_order = squares @ (degree[:, None] == np.arange(max(degree.max(), left) + 1)).astype(float)
    met = chances != 0.0
    every = (values**2) @ np.where(met, 1.0 / np.where(met, chances, 1.0), 0.0)
    return by_order.at[..., left].add(jnp.maximum(every - jnp.sum(squares, axis=-1), 0.0))


def _polynomials(rule: ViewRule) -> np.ndarray:
    """Normalised Hermite polynomials at the private nodes, (degrees, nodes)."""
    vander = np.polynomial.hermite_e.hermevander(rule.nodes, rule.nodes.size - 1).T
    return vander / np.sqrt([[float(math.factorial(degree))] for degree in range(rule.nodes.size)])


def _of_sets(rule: ViewRule) -> tuple[np.ndarray, np.ndarray, int]:
    """Functions of the private nodes of all views, orthonormal: of one view each, and of pairs where all sets are met."""
    h, m = _polynomials(rule), rule.views
    each = rule.counts @ h.T  # sums over views
    functions, degree = [np.ones(len(each)), *(each[:, 1:] / math.sqrt(m)).T], [*range(len(h))]
    if m not in NODES:
        return np.stack(functions, axis=1), np.array(degree), 2
    for first, second in zip(*np.triu_indices(len(h) - 1), strict=True):
        a, b = int(first) + 1, int(second) + 1
        pairs = each[:, a] * each[:, b] - rule.counts @ (h[a] * h[b])
        functions.append(pairs / math.sqrt(m * (m - 1) * (1 + (a == b))))
        degree.append(a + b)
    return np.stack(functions, axis=1), np.array(degree), 3


def _of_one(rule: ViewRule) -> tuple[np.ndarray, np.ndarray, int]:
    """Functions of the private node of one view, in a set of all, and of that and another's: (sets * nodes, functions)."""
    h, m = _polynomials(rule), rule.views
    each, sets = rule.counts @ h.T, len(rule.counts)
    functions, degree = [], []
    for own, other in np.ndindex(len(h), len(h)):
        if other and own and m not in NODES:  # of the sets drawn only two moments are exact
            continue
        others = (each[:, None, other] - h[other]) / math.sqrt(m - 1) if other else np.ones((sets, 1))
        functions.append(np.broadcast_to(h[own] * others, (sets, len(rule.nodes))).ravel())
        degree.append(own + other)
    return np.stack(functions, axis=1), np.array(degree), 2
