"""A row seen in views which each are moved as a whole: what training on all of them makes of it.

View k of a row has the margin `s_k (g_k . u + c)`: gains g_k on the scores u of the blocks of coordinates that move alike,
s_k = -1 where its label is turned, c the intercept.  Left out, the blocks' scores are independent and normal; trained on,

    u = om + Gamma phi(u),   phi = sum_k weight_k s_k psi(t_k) g_k,

in as few dimensions as the gains span.  In one dimension u, not om, is the variable of integration, and no root is
searched for.  Mean slopes are told by phi and om alone (Stein's lemma), so losses may have corners.
Equations: theory (16.16) and (16.17).
"""

__all__ = ["PatternRows", "TrainedPattern", "pattern_rows", "trained_pattern"]

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.numerics.compilation.record import record
from rfgen.numerics.small_systems import solved
from rfgen.problems.augmentations.mode_law import ModeLaw

# Gauss-Hermite nodes a dimension, and what all rows of all patterns may have together.
NODES = {2: 20, 3: 10, 4: 7}
MOST_NODES, MOST_BLOCKS = 60_000, 40
COARSE, DENSE = {2: 8, 3: 5, 4: 4}, {2: 160, 3: 36, 4: 15}
STEPS, ENOUGH = 200, 1e-14
# Of one dimension: edges of panels in the left-out score, deviations that they reach, and nodes of each.
EDGES, REACH, IMAGES = 19, 9.0, 40
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


@record
class PatternRows:
    """Kinds of rows whose gains span as many dimensions: `chance` (kinds,), `weight`, `sign` (kinds, views), `gains`
    (kinds, views, dimensions) in coordinates of which `frame` (kinds, dimensions, blocks) tells the blocks' parts.
    """

    chance: Any
    weight: Any
    sign: Any
    gains: Any
    frame: Any

    @property
    def span(self) -> Any:
        """The gains on blocks, (kinds, views, blocks)."""
        return self.gains @ self.frame


def pattern_rows(law: ModeLaw, views: float) -> tuple[PatternRows, ...]:
    """Kinds of rows in `views` views (inf: all) of a `law` without noise, by how many dimensions they span.

    >>> import rfgen
    >>> [kinds.gains.shape for kinds in pattern_rows(rfgen.Flip().mode_law(6), 2.0)]  # none or both flipped; one
    [(2, 1, 1), (1, 2, 2)]
    """
    patterns, place = np.unique(np.column_stack([law.label, law.gain]), axis=0, return_inverse=True)
    chances = np.bincount(np.ravel(place), law.probability, len(patterns))
    patterns, chances = patterns[chances > 0.0], chances[chances > 0.0]
    if math.isinf(views) or len(patterns) == 1:
        drawn = [(1.0, chances)]
    else:
        m = int(views)
        if math.comb(len(patterns) + m - 1, m) > MOST_NODES:
            raise _too_many()
        sets = itertools.combinations_with_replacement(range(len(patterns)), m)
        drawn = []
        for one in sets:
            counts = np.bincount(one, minlength=len(patterns))
            ways = math.factorial(m) / math.prod(map(math.factorial, counts))
            drawn.append((ways * float(np.prod(chances**counts)), counts / m))
    kinds: dict[int, list[tuple[Any, ...]]] = {}
    for chance, shares in drawn:
        seen = shares > 0.0
        label, gains = patterns[seen, 0], patterns[seen, 1:]
        # a label of mean l is right with probability (1 + l) / 2
        weight = np.concatenate([shares[seen] * (1.0 + label) / 2.0, shares[seen] * (1.0 - label) / 2.0])
        sign, both = np.repeat([1.0, -1.0], label.size), np.tile(gains, (2, 1))
        kept = weight > 0.0
        weight, sign, both = weight[kept], sign[kept], both[kept]
        _, size, basis = np.linalg.svd(both, full_matrices=False)
        count = max(1, int((size > 1e-12 * max(size[0], 1e-300)).sum()))
        frame = np.eye(both.shape[1]) if count == both.shape[1] else basis[:count]
        kinds.setdefault(count, []).append((chance, weight, sign, both @ frame.T, frame))
    rows = tuple(_stacked(kinds[count]) for count in sorted(kinds))
    nodes = sum(each.chance.size * NODES.get(each.gains.shape[2], 20) ** each.gains.shape[2] for each in rows)
    if max(kinds) > max(NODES) or nodes > MOST_NODES or law.classes > MOST_BLOCKS:
        raise _too_many()
    return rows


def _too_many() -> ValueError:
    return ValueError(
        "augmentation must move views as a whole in few ways to be predicted for a loss of the margin: all views of a row "
        f"may span {max(NODES)} blocks of coordinates, of {MOST_BLOCKS} in all; take fewer views (one always spans one), "
        "fewer values or windows, rg.Mask in place of rg.Cutout, or rg.simulate"
    )


def _stacked(kinds: list[tuple[Any, ...]]) -> PatternRows:
    views = max(weight.size for _, weight, *_ in kinds)

    def wide(part: np.ndarray) -> np.ndarray:
        return np.concatenate([part, np.zeros((views - len(part), *part.shape[1:]))])

    columns = [(chance, wide(weight), wide(sign), wide(gains), frame) for chance, weight, sign, gains, frame in kinds]
    return PatternRows(*(np.stack([np.asarray(part) for part in column]) for column in zip(*columns, strict=True)))


@record
class TrainedPattern:
    """Left-out scores `om` (nodes, dimensions) about their mean, their `measure`, `force` phi (nodes, dimensions), forces
    on the intercept `push` (nodes,), and trained `margins` (nodes, views).
    """

    om: Any
    measure: Any
    force: Any
    push: Any
    margins: Any


def trained_pattern(
    loss: MarginLoss, kind: Any, mean: Array, covariance: Array, gamma: Array, shift: Any, scale: Any, nodes: str = "fine",
    lowered: Any = 0.0,
) -> TrainedPattern:
    """Rows of one `kind` = (weight, sign, gains), their left-out scores N(mean, covariance), `gamma` (dimensions,
    dimensions) in units of `scale`, `shift` the intercept; `nodes`: "fine", "coarse" for the way to a
    solution, "dense" for shares.  Margins are `lowered`, by an attack.
    """
    weight, sign, gains = kind
    given = kind, gamma, (shift, lowered), scale
    if gains.shape[1] == 1:
        u, measure = _line(loss, given, mean[0], covariance[0, 0])
        margins, psi, _ = _pulled(loss, given, u)
        force = (psi * (weight * sign)) @ gains
        return TrainedPattern(u - force @ gamma - mean, measure, force, psi @ (weight * sign), margins)
    z, measure = _normal(gains.shape[1], nodes)
    lower = jnp.linalg.cholesky(covariance + 1e-14 * jnp.trace(covariance) * jnp.eye(gains.shape[1]))
    om = mean + z @ lower.T
    held, frozen = jax.lax.stop_gradient((om, given))
    pulls = jax.vmap(lambda at: _solved(loss, frozen, at))(held)
    # once more, for the derivatives
    pulls = pulls + jax.vmap(lambda at, p: _newton(loss, given, at, p)[0])(om, pulls)
    margins = jax.vmap(lambda at, p: _margins(given, at) + _gram(given) @ p)(om, pulls)
    force = (pulls * sign) @ gains
    return TrainedPattern(om - mean, measure, force, pulls @ sign, margins)


def _pulled(loss: MarginLoss, given: Any, u: Array) -> tuple[Array, Array, Array]:
    """Margins, forces psi and slopes of the views at scores u (..., dimensions)."""
    (_, sign, gains), _, (shift, lowered), scale = given
    margins = sign * (u @ gains.T + shift) - lowered
    return margins, *loss.force(margins, jnp.zeros(()), scale)


def _line(loss: MarginLoss, given: Any, mean: Array, variance: Array) -> tuple[Array, Array]:
    """Trained scores along one dimension, and the measure of the left-out ones: no root is searched for.

    Edges are equal steps of the left-out score, about, and where forces bend.
    """
    (weight, sign, gains), gamma, (shift, lowered), scale = given
    deviation = jnp.sqrt(variance)

    def left(u: Array) -> tuple[Array, Array]:
        _, psi, slope = _pulled(loss, given, u[:, None])
        force, bend = (psi * (weight * sign)) @ gains[:, 0], slope @ (weight * gains[:, 0] ** 2)
        return u - gamma[0, 0] * force, 1.0 + gamma[0, 0] * bend

    marks = jnp.concatenate([loss.bends(jnp.zeros(()), scale) + lowered, jnp.stack([jnp.zeros(()), 1.0 + lowered])])
    live = weight * gains[:, 0] != 0.0
    place = (sign[:, None] * marks - shift) / jnp.where(live, gains[:, 0], 1.0)[:, None]
    place = jnp.where(live[:, None], place, 0.0).ravel()
    images = _images(loss, jax.lax.stop_gradient(given), mean, deviation)
    edges = jnp.sort(jnp.concatenate([images, jnp.clip(place, images[0], images[-1])]))
    half, middle = 0.5 * jnp.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    u = (middle[:, None] + half[:, None] * _NODES).ravel()
    om, stretch = left(u)
    density = jnp.exp(-0.5 * ((om - mean) / deviation) ** 2) / (deviation * math.sqrt(2.0 * math.pi))
    return u[:, None], (half[:, None] * _WEIGHTS).ravel() * stretch * density


def _images(loss: MarginLoss, given: Any, mean: Array, deviation: Array) -> Array:
    """Trained scores of equal steps of the left-out one: panels end there, wherever that is exactly."""
    (weight, sign, gains), gamma, *_ = given
    steps = jax.lax.stop_gradient(mean + deviation * jnp.linspace(-REACH, REACH, EDGES))

    def moved(u: Array) -> Array:
        return gamma[0, 0] * ((_pulled(loss, given, u[:, None])[1] * (weight * sign)) @ gains[:, 0])

    def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (ends[0] + ends[1])
        short = middle - moved(middle) < steps
        return jnp.where(short, middle, ends[0]), jnp.where(short, ends[1], middle)

    # trained forces are no stronger than those before training
    far = steps + moved(steps)
    low, high = jax.lax.fori_loop(0, IMAGES, halve, (jnp.minimum(steps, far), jnp.maximum(steps, far)))
    return 0.5 * (low + high)


def _margins(given: Any, om: Array) -> Array:
    (_, sign, gains), _, (shift, lowered), _ = given
    return sign * (gains @ om + shift) - lowered


def _gram(given: Any) -> Array:
    """How far the pull of each view moves the margins of all."""
    (_, sign, gains), gamma, *_ = given
    return sign[:, None] * (gains @ gamma @ gains.T) * sign


def _alone(loss: MarginLoss, given: Any, om: Array, p: Array) -> tuple[Array, Array]:
    """Pulls of views, weight times psi, each trained on alone while the others pull `p`; their slopes in the margin."""
    weight, gram = given[0][0], _gram(given)
    own = jnp.diagonal(gram)
    left_out, moved = _margins(given, om) + gram @ p - own * p, jnp.where(weight > 0.0, weight * own, 1.0)
    force, slope = loss.force(left_out, moved, given[3])
    return weight * force, weight * slope


def _newton(loss: MarginLoss, given: Any, om: Array, p: Array) -> tuple[Array, Array]:
    """Newton's step to pulls p which each view alone would have too, and how far they are from it."""
    gram = _gram(given)
    there, slope = _alone(loss, given, om, p)
    others = gram - jnp.diag(jnp.diagonal(gram))
    return solved(jnp.eye(p.size) + slope[:, None] * others, there - p), jnp.max(jnp.abs(there - p))


def _solved(loss: MarginLoss, given: Any, om: Array) -> Array:
    """Pulls of the views of one row: one view after the other, which converges; Newton's steps where these are nearer."""

    def one(k: Any, p: Array) -> Array:
        return p.at[k].set(_alone(loss, given, om, p)[0][k])

    def advance(state: tuple[Array, ...]) -> tuple[Array, ...]:
        p, _, count = state
        p = jax.lax.fori_loop(0, p.size, one, p)
        step, left = _newton(loss, given, om, p)
        _, left_there = _newton(loss, given, om, p + step)
        nearer = left_there < left
        return jnp.where(nearer, p + step, p), jnp.where(nearer, left_there, left), count + 1

    def unfinished(state: tuple[Array, ...]) -> Array:
        p, left, count = state
        return (left > ENOUGH * jnp.max(jnp.abs(p))) & (count < STEPS)

    start = jnp.zeros_like(given[0][0]), jnp.full((), jnp.inf, om.dtype), jnp.zeros((), jnp.int32)
    return jax.lax.while_loop(unfinished, advance, start)[0]


def _normal(dimensions: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    if kind == "dense":
        nodes = np.linspace(-7.5, 7.5, DENSE[dimensions])  # square loss keeps nine digits
        measure = np.exp(-0.5 * nodes**2)
    else:
        nodes, measure = np.polynomial.hermite_e.hermegauss((COARSE if kind == "coarse" else NODES)[dimensions])
    axes = np.meshgrid(*[nodes] * dimensions, indexing="ij")
    chances = np.prod(np.meshgrid(*[measure / measure.sum()] * dimensions, indexing="ij"), axis=0).ravel()
    kept = chances > (1e-16 if kind == "dense" else 1e-13)
    return np.stack(axes, -1).reshape(-1, dimensions)[kept], chances[kept] / chances[kept].sum()
