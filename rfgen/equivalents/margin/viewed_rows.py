"""What training makes of a row that is seen in m views: a common part of its scores, and a private one of each view.

Left out, view k has the margin `om + sqrt(q_p) Z_k`, om the part common to all.  Trained on, the common part moves by
`gamma_s` times the mean force and the private one by `gamma_p / m` times its own: with `v = om + gamma_s pbar`,

    p_k = psi(prox_{gamma_p / m}(v + sqrt(q_p) Z_k)),  pbar = mean_k p_k.

Given v each force depends on its own Z_k alone.  So v, not om, is the variable of integration: om = v - gamma_s pbar rises
with it, d om / d v = 1 + gamma_s dbar, and no root is searched for.  The private parts are averaged over by a `ViewRule`.
As m grows p_k becomes psi itself, pbar its mean over Z: a loss made smooth.  Equations: theory (16.1), (16.2) and (16.3).
"""

__all__ = ["Trained", "ViewRule", "trained_views", "view_rule"]

import itertools
import math
from dataclasses import field
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.numerics.compilation.record import record
from rfgen.numerics.quadrature.truncated_normal import truncated_nodes

# Private nodes by the number of views, all multisets of which are taken: 105, 220, 210 of them.  Further views: below.
NODES = {2: 14, 3: 10, 4: 7}
# Where forces have corners, by pieces; margins change by 1e-8 with two more.
CORNERED = {2: 9, 4: 7}
# Along the path of ridges fewer will do, by pieces one of each.
COARSE, COARSE_CORNERED = {2: 6, 3: 4, 4: 3}, 3
MANY_NODES, DRAWS = 7, 384
INFINITE_NODES, COARSE_INFINITE_NODES = 48, 12
# Edges about the bends of a smoothed loss, in deviations of the private part.
SPREAD = (-4.0, -1.3, 1.3, 4.0)
# Deviations of the common part beyond which the normal mass is 1e-19, and edges of panels there: to the first come those of
# extreme forces and of bends; infinitely many views have none of these (the square loss is 1e-8 off with 9).
REACH = 9.0
EDGES, EXTREME_EDGES, INFINITE_EDGES, PANEL = 17, 5, 19, 6
# Forces of less chance have no edges of their own.
MET = 1e-17
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(PANEL)


@record
class ViewRule:
    """Means over the private parts of `views` views (inf: of all): `nodes` (nodes,) of a normal variable and their
    `measure`; how often each node is met, `counts` (draws, nodes), which sum to the views, and their `chances` (draws,).
    Of few views all `sets` of as many nodes wherever these are (sets, nodes), and in how many `ways` they come, else None.
    """

    nodes: Any
    measure: Any
    counts: Any
    chances: Any
    sets: Any
    ways: Any
    views: Any = field(metadata={"static": True})


@lru_cache(maxsize=64)
def view_rule(views: Any, coarse: bool = False) -> ViewRule:
    """The rule for `views` >= 2, a whole number or inf; a `coarse` one for the way to a solution.

    >>> rule = view_rule(4)
    >>> rule.counts.shape, round(float(rule.chances @ rule.counts @ rule.nodes**2) / 4, 12)
    ((210, 7), 1.0)
    """
    if math.isinf(views):
        nodes, measure = _normal(COARSE_INFINITE_NODES if coarse else INFINITE_NODES)
        return ViewRule(nodes, measure, np.ones((1, 1)), np.ones(1), None, None, views)
    m = int(views)
    few = (COARSE if coarse else NODES).get(m)
    if few is None:
        nodes, measure = _normal(MANY_NODES)
        return ViewRule(nodes, measure, *_drawn(m, measure, DRAWS // 4 if coarse else DRAWS), None, None, views)
    nodes, measure = _normal(few)
    counts, ways = _sets(few, m)
    chances = ways * np.prod(measure**counts, axis=1)
    kept = chances > 1e-14
    cornered = _sets(COARSE_CORNERED if coarse else CORNERED[m], m) if m in CORNERED else (None, None)
    return ViewRule(nodes, measure, counts[kept], chances[kept] / chances[kept].sum(), *cornered, views)


def _sets(nodes: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each of the `nodes` is in every multiset of m of them, and in how many ways that comes."""
    sets = np.array(list(itertools.combinations_with_replacement(range(nodes), m)))
    counts = (sets[:, :, None] == np.arange(nodes)).sum(axis=1)
    factorial = np.array([math.factorial(number) for number in range(m + 1)])
    return counts.astype(float), factorial[m] / factorial[counts].prod(axis=1)


def _normal(count: int) -> tuple[np.ndarray, np.ndarray]:
    nodes, measure = np.polynomial.hermite_e.hermegauss(count)
    return nodes, measure / measure.sum()


def _drawn(m: int, measure: np.ndarray, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial counts and their mirror images, with chances that make their first and second moments exact.

    Half of them come from a flatter law, so that rare nodes are met, and weigh only what the moments need.
    """
    generator, flat = np.random.default_rng(0), np.sqrt(measure) / np.sqrt(measure).sum()
    half = np.concatenate([generator.multinomial(m, law, size=draws // 4) for law in (measure, flat)])
    counts = np.concatenate([half, half[:, ::-1]]).astype(float)
    first, second = np.triu_indices(measure.size)
    rows = np.concatenate([np.ones((1, len(counts))), counts.T, counts.T[first] * counts.T[second]])
    products = m * (m - 1) * np.outer(measure, measure) + m * np.diag(measure)
    wanted = np.concatenate([np.ones(1), m * measure, products[first, second]])
    chances = np.tile(np.repeat([2.0 / draws, 0.0], draws // 4), 2)
    return counts, chances + np.linalg.lstsq(rows, wanted - rows @ chances, rcond=1e-12)[0]


@record
class Trained:
    """Nodes of trained rows, (nodes, draws): with the density of om, of margins, `sum(weight * density(om) * f)` is E f.

    `margin` om; `force` pbar; `private` mean_k p_k^2 / m; `slope` and `private_slope`, of pbar by om and of the mean p_k by
    its own Z_k.  `level` v (nodes,), and of each view there `own` forces p (nodes, private nodes); `share` their measure,
    (draws, private nodes); `place` Z of the private nodes, and where forces have corners `below`, the chance of what lies
    below each and of itself, (nodes, private nodes), else None.
    """

    weight: Any
    margin: Any
    force: Any
    private: Any
    slope: Any
    private_slope: Any
    level: Any
    own: Any
    share: Any
    place: Any
    below: Any


def trained_views(
    loss: MarginLoss, rule: ViewRule, gamma: tuple[Any, Any], private: Any, center: Any, deviation: Any, scale: Any
) -> Trained:
    """Rows whose common margin lies around `center`, within `deviation` times 9; `gamma` of the common and the private
    part, times the loss' weight; `private` the deviation sqrt(q_p).  Forces and gammas are in units of `scale`.
    """
    common, own_gamma = gamma[0], gamma[1] / rule.views
    if rule.sets is not None and len(loss.pieces) > 1:
        return _cornered(loss, rule, (common, own_gamma), private, center, deviation, scale)

    def forces(v: Array) -> tuple[Array, Array]:
        """p and its slope at every private node, (levels, private nodes); of infinitely many views their mean."""
        if math.isinf(rule.views):
            force, slope = loss.smoothed(v, private, scale, (rule.nodes, rule.measure))
            return force[:, None], slope[:, None]
        return loss.force(v[:, None] + private * rule.nodes, own_gamma, scale)

    edges = _edges(loss, rule, forces, (common, own_gamma), private, center, deviation, scale)
    half, middle = 0.5 * jnp.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    v = (middle[:, None] + half[:, None] * _NODES).ravel()
    measure = (half[:, None] * _WEIGHTS).ravel()
    p, d = forces(v)
    if math.isinf(rule.views):
        mean, bend = p, d
        own_square, private_slope = jnp.zeros_like(p), d
    else:
        share = rule.counts.T / rule.views
        mean, bend = p @ share, d @ share
        own_square = (p * p) @ share / rule.views
        # by Stein's lemma: where forces have corners it converges faster in the private nodes than the slopes themselves
        private_slope = -((p * rule.nodes) @ share) / private
    stretch = 1.0 + common * bend
    return Trained(
        weight=measure[:, None] * rule.chances * stretch, margin=v[:, None] - common * mean, force=mean,
        private=own_square, slope=bend / stretch, private_slope=private_slope, level=v, own=p,
        share=rule.counts / rule.views, place=rule.nodes, below=None,
    )


def _cornered(
    loss: MarginLoss, rule: ViewRule, gamma: tuple[Any, Any], private: Any, center: Any, deviation: Any, scale: Any
) -> Trained:
    """The same for forces with corners: private nodes of each piece of the forces, one where they are constant.

    At v each view's pieces have chances that are smooth in v, and all sets of nodes are taken there; nodes that stay where
    they are would leave 1e-3.
    """
    common, own_gamma = gamma
    corners = jnp.sort(loss.kinks(own_gamma, scale))
    varied = rule.sets.shape[1] - len(loss.pieces) + 1

    def forces(v: Array) -> tuple[Array, ...]:
        """Private nodes, their chances, p and its slope, (levels, private nodes)."""
        ends = (corners - v[:, None]) / private
        far = jnp.full_like(v, jnp.inf)[:, None]
        ends = jnp.concatenate([-far, ends, far], axis=1)
        parts = [
            truncated_nodes(ends[:, piece], ends[:, piece + 1], varied if varies else 1)
            for piece, varies in enumerate(loss.pieces)
        ]
        z, chance = (jnp.concatenate(each, axis=1) for each in zip(*parts, strict=True))
        return z, chance, *loss.force(v[:, None] + private * z, own_gamma, scale)

    steps, few = (center + deviation * jnp.linspace(-REACH, REACH, edges) for edges in (EDGES, EXTREME_EDGES))
    bends = (corners[:, None] + private * jnp.asarray(SPREAD)).ravel()

    def pulled(v: Array) -> Array:
        """The least, the mean and the largest of the forces that are met, (3, levels)."""
        _, chance, p, _ = forces(v)
        met = chance > MET
        least, largest = jnp.min(p, axis=1, where=met, initial=jnp.inf), jnp.max(p, axis=1, where=met, initial=-jnp.inf)
        return jnp.stack([least, jnp.sum(chance * p, axis=1), largest])

    far = jnp.log1p(common / scale) * jnp.linspace(0.0, 1.2, 12)
    table = jnp.sort(jnp.concatenate([steps, (steps + common * pulled(steps)).ravel(), bends, far]))
    images = jnp.concatenate([
        jnp.interp(at, table - common * pull, table) for at, pull in zip((few, steps, few), pulled(table), strict=True)
    ])
    edges = jnp.sort(jnp.concatenate([images, jnp.clip(bends, jnp.min(images), jnp.max(images))]))
    half, middle = 0.5 * jnp.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    v = (middle[:, None] + half[:, None] * _NODES).ravel()
    z, chance, p, d = forces(v)
    share = rule.sets.T / rule.views
    mean, bend = p @ share, d @ share
    stretch = 1.0 + common * bend
    chances = rule.ways * jnp.exp(jnp.log(jnp.maximum(chance, 1e-200)) @ rule.sets.T)
    return Trained(
        weight=(half[:, None] * _WEIGHTS).ravel()[:, None] * chances * stretch, margin=v[:, None] - common * mean,
        force=mean, private=(p * p) @ share / rule.views, slope=bend / stretch,
        private_slope=bend - common / rule.views * ((d * d) @ share) / stretch, level=v, own=p,
        share=rule.sets / rule.views, place=z, below=jnp.cumsum(chance, axis=1),
    )


def _edges(
    loss: MarginLoss, rule: ViewRule, forces: Any, gamma: tuple[Any, Any], private: Any, center: Any, deviation: Any,
    scale: Any,
) -> Array:
    """Edges of panels in v: images of equal steps in om, for the least, the mean and the largest force; and bends."""
    edges = INFINITE_EDGES if rule.nodes.size == INFINITE_NODES else EDGES
    steps, few = (center + deviation * jnp.linspace(-REACH, REACH, count) for count in (edges, EXTREME_EDGES))
    if math.isinf(rule.views):
        bends = (loss.bends(0.0, scale)[:, None] + private * jnp.asarray(SPREAD)).ravel()
        ends, every, starts = [0.0], [slice(0, 1)], [steps]
    else:
        bends = (loss.bends(gamma[1], scale)[:, None] - private * rule.nodes).ravel()
        ends = [rule.nodes[0], rule.nodes[-1]]
        every, starts = [slice(0, 1), slice(None), slice(-1, None)], [few, steps, few]
    # where images can lie: they are interpolated in a table
    reached = steps + gamma[0] * jnp.stack([_mean(forces(steps)[0][:, one], rule) for one in every])
    far = jnp.log1p(gamma[0] / scale) * jnp.linspace(0.0, 1.2, 12)
    far = jnp.concatenate([far - private * end for end in ends])
    table = jnp.sort(jnp.concatenate([steps, reached.ravel(), bends, far]))
    p = forces(table)[0]
    images = jnp.concatenate([
        jnp.interp(at, table - gamma[0] * _mean(p[:, one], rule), table) for at, one in zip(starts, every, strict=True)
    ])
    return jnp.sort(jnp.concatenate([images, jnp.clip(bends, jnp.min(images), jnp.max(images))]))


def _mean(p: Array, rule: ViewRule) -> Array:
    return p[:, 0] if p.shape[1] == 1 else p @ rule.measure
