"""Rows that are mixed with one another in all pairs: what training makes of them.

The loss of a mixture w x_i + (1 - w) x_j, with the label w y_i + (1 - w) y_j, is that of its score with either label, at
the probabilities whose mean is the mixed one.  All pairs of rows are seen, so every row meets the others' trained scores,
whose law is that of its own:

    t = om + gamma F(t),   F(t) = 2 E_w E_(t', y') w psi(w t + (1 - w) t'; w y + (1 - w) y'),

one convex problem for the law of t, on nodes.  Equations: theory (18.1).
"""

__all__ = ["MixedNodes", "MixedRows", "mixed_nodes", "pair_means", "trained_mixtures"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.numerics.compilation.record import record

# Nodes of the scores of a kind of rows, and of the weights of mixtures.
NODES = {"fine": (40, 10), "coarse": (14, 4)}
DENSE, REACH, DENSE_WEIGHTS = 96, 6.0, 20
STEPS, ENOUGH = 60, 1e-14


@record
class MixedNodes:
    """Of the weights of mixtures `weights` and their `chances`, of standard scores `places` and their `measure`."""

    weights: Any
    chances: Any
    places: Any
    measure: Any


@record
class MixedRows:
    """Left-out scores `om`, `labels`, loss `weights`, how far a unit force moves them `gamma`, and the `measure` of rows,
    (rows,).
    """

    om: Any
    labels: Any
    weights: Any
    gamma: Any
    measure: Any


def mixed_nodes(concentration: float, kind: str = "fine") -> MixedNodes:
    """Weights from Beta(`concentration`, `concentration`) by Gauss-Jacobi quadrature; `kind`: "fine", "coarse" for the way
    to a solution, "dense" for shares.

    >>> nodes = mixed_nodes(1.0)
    >>> float(nodes.chances @ nodes.weights**2).__round__(12), float(nodes.measure @ nodes.places**2).__round__(12)
    (0.333333333333, 1.0)
    """
    from scipy.special import roots_jacobi

    if kind == "dense":
        count, places = DENSE_WEIGHTS, np.linspace(-REACH, REACH, DENSE)
        measure = np.exp(-0.5 * places**2)
    else:
        scores, count = NODES[kind]
        places, measure = np.polynomial.hermite_e.hermegauss(scores)
    nodes, chances = roots_jacobi(count, concentration - 1.0, concentration - 1.0)
    return MixedNodes(0.5 * (1.0 + nodes), chances / chances.sum(), places, measure / measure.sum())


def _pairs(loss: MarginLoss, nodes: MixedNodes, rows: MixedRows, t: Array) -> tuple[Array, Array, Array]:
    """Of pairs (rows, partners): forces on the rows, their slopes in the rows' scores, and in the partners'."""
    together = rows.weights[:, None] + rows.weights

    def add(sums: tuple[Array, ...], at: tuple[Any, Any]) -> tuple[tuple[Array, ...], None]:
        weight, chance = at
        score, right = _mixed(weight, t, rows.labels)
        (force, bend), (back, bend_back) = (
            jax.jvp(loss.force_at, (side,), (jnp.ones_like(side),)) for side in (score, -score)
        )
        pull = right * force - (1.0 - right) * back
        slope = -chance * weight * (right * bend + (1.0 - right) * bend_back)
        return (sums[0] + chance * weight * pull, sums[1] + weight * slope, sums[2] + (1.0 - weight) * slope), None

    zero = jnp.zeros((t.size, t.size))
    force, own, other = jax.lax.scan(add, (zero,) * 3, (nodes.weights, nodes.chances))[0]
    return together * force, together * own, together * other


def _mixed(weight: Any, t: Array, labels: Array) -> tuple[Array, Array]:
    """Scores of mixtures, and how probable label +1 is."""
    told = weight * labels[:, None] + (1.0 - weight) * labels
    return weight * t[:, None] + (1.0 - weight) * t, 0.5 * (1.0 + told)


def trained_mixtures(loss: MarginLoss, nodes: MixedNodes, rows: MixedRows, scale: Any) -> tuple[Array, Array]:
    """Trained scores and forces F / `scale` of the `rows`, (rows,), `gamma` in units of it."""
    held = jax.lax.stop_gradient(rows)
    rigid = held.gamma / jax.lax.stop_gradient(scale)

    def advance(state: tuple[Array, ...]) -> tuple[Array, ...]:
        """Newton's step, or half of the last one where that was no nearer."""
        t, move, nearest, *known, count = state
        there = t + move
        force, own, other = _pairs(loss, nodes, held, there)
        left = there - held.om - rigid * (force @ held.measure)
        bends = jnp.diag(own @ held.measure) + other * held.measure
        slopes = jnp.eye(t.size) + rigid[:, None] * bends
        far = jnp.max(jnp.abs(left))
        nearer = (far < nearest) | (jnp.max(jnp.abs(move)) < 1e-7)
        move = jnp.where(nearer, -jnp.linalg.solve(slopes, left), 0.5 * move)
        found = (jnp.where(nearer, new, old) for new, old in zip((force, bends), known, strict=True))
        return jnp.where(nearer, there, t), move, jnp.where(nearer, far, nearest), *found, count + 1

    def unfinished(state: tuple[Array, ...]) -> Array:
        return (state[2] > ENOUGH * (1.0 + jnp.max(jnp.abs(state[0])))) & (state[-1] < STEPS)

    none = jnp.zeros((held.om.size, held.om.size))
    start = held.om, jnp.zeros_like(held.om), jnp.full((), jnp.inf), none, none, jnp.zeros((), jnp.int32)
    t, _, _, force, bends, _ = jax.lax.while_loop(unfinished, advance, start)
    # once more, for the derivatives
    fixed = force @ rows.measure
    slopes = jnp.eye(t.size) + rigid[:, None] * bends
    found = t - jnp.linalg.solve(slopes, t - rows.om - rows.gamma / scale * fixed)
    return found, (fixed - bends @ (found - t)) / scale


def pair_means(loss: MarginLoss, nodes: MixedNodes, rows: MixedRows, t: Array) -> tuple[Array, Array, Array]:
    """Share of negative margins, mean loss and share of margins of at most 1, of mixtures with either label."""

    def of_weight(weight: Any) -> Array:
        score, right = _mixed(weight, t, rows.labels)

        def shares(margin: Array) -> Array:
            one = jnp.ones_like(margin)
            return jnp.stack([jnp.where(margin < 0.0, one, 0.0), loss.value(margin), jnp.where(margin <= 1.0, one, 0.0)])

        return (right * shares(score) + (1.0 - right) * shares(-score)) @ rows.measure @ rows.measure

    error, value, support = nodes.chances @ jax.lax.map(of_weight, nodes.weights)
    return error, value, support
