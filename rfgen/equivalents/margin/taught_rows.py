"""Rows labelled by a linear teacher, as a population of the margin engine, and the law of their labels given scores.

Equations: theory (10.10).
"""

__all__ = ["SIGNS", "TaughtRows", "label_law", "scored_law", "turn"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.labelled_groups import scored_forces
from rfgen.equivalents.margin.margin_equilibrium import Forces, MarginState
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import PairedForces, line_forces
from rfgen.numerics.compilation.record import record
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes

# Gauss-Hermite nodes over u given om, for the logistic link.
_HERMITE, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / np.sqrt(2.0 * np.pi)
SIGNS = (1.0, -1.0)
# Nodes over u on either side of the turn where forces are dear.
_FEW, _FEW_WEIGHTS = np.polynomial.legendre.leggauss(24)
FEW_REACH = 8.0
# Scores at which the logistic link is averaged over u; between them it is a cubic with the right slopes (1e-8).
TABLE, REACH = 640, 9.5


@record
class TaughtRows:
    """The population of `n` rows labelled by the teacher of `moments`; its one direction is the teacher's."""

    moments: Any
    n: Any

    way = None

    @property
    def weight(self) -> Any:
        """Rows times their largest second moment."""
        return self.n * jnp.max(self.moments.variances)

    @property
    def lean(self) -> Any:
        """Half the difference of the shares of labels: 0 without bias."""
        right, _ = label_law(self.moments, jnp.zeros(()), jnp.ones(()), jnp.zeros(1))
        return right[0] - 0.5

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins lowered by `shift`."""
        total = balance = along = power = slope = jnp.zeros(())
        kinks = loss.kinks(state.gamma[0], scale)
        for label, measure, share, u, margins in self.margins(state, shift, kinks):
            force, bend = loss.force(margins, state.gamma[0], scale)
            mean = measure @ (share * force)
            total, balance = total + mean, balance + label * mean
            along = along + label * (measure @ (u * force))
            power, slope = power + measure @ (share * force**2), slope + measure @ (share * bend)
        pull = along + slope * state.overlap[0]
        sums = pull[None], power[None], slope[None], total, balance, jnp.sqrt(power)
        return Forces(*(self.n * each for each in sums))

    def pairs(self, state: MarginState, loss: MarginLoss, scale: Any, draws: tuple[Array, Array]) -> PairedForces:
        """By the teacher's u and the label."""
        share, label, u = self.told()
        one, told = jnp.ones_like(u), state.overlap[0] ** 2
        kinds = label * (state.overlap[0] * u + state.intercept), jnp.sqrt(state.spread - told) * one, state.gamma * one
        series = line_forces(partial(scored_forces, loss, scale), kinds, draws)
        return PairedForces(self.n * share, told * one, one[:, None], series)

    def told(self, few: bool = False) -> tuple[Array, Array, Array]:
        """Shares of rows by label and the teacher's u, (kinds,), these labels and u; `few` where forces are dear."""
        one = jnp.ones(())
        edge = turn(self.moments, one, one)[None]
        u, measure = few_nodes(edge) if few else normal_nodes(0.0, one, edge)
        right, _ = label_law(self.moments, one, one, u)
        share = jnp.concatenate([measure * right, measure * (1.0 - right)])
        return share, jnp.repeat(jnp.asarray(SIGNS), u.size), jnp.tile(u, 2)

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows which all pull alike."""
        right, moment = label_law(self.moments, jnp.zeros(()), jnp.ones(()), jnp.zeros(1))
        square = (force**2)[None]
        sums = 2.0 * force * moment, square, jnp.zeros_like(square), force, force * (2.0 * right[0] - 1.0), force
        return Forces(*(self.n * each for each in sums))

    def margins(self, state: MarginState, shift: Any, kinks: Array) -> list[tuple[Any, ...]]:
        """For either label: weights of the quadrature, probability of the label, E[u; label], leave-one-out margins; their
        `kinks` are edges.
        """
        overlap, spread, nodes = state.overlap[0], state.spread[0], []
        for label in SIGNS:
            # a steep link bends where its argument changes sign
            bend = turn(self.moments, overlap, spread)
            edges = jnp.concatenate([label * (kinks + shift) - state.intercept, bend[None]])
            score, measure = normal_nodes(0.0, jnp.sqrt(spread), edges)
            right, moment = label_law(self.moments, overlap, spread, score)
            mean = overlap * score / spread
            share, u = (right, moment) if label > 0 else (1.0 - right, mean - moment)
            nodes.append((label, measure, share, u, label * (score + state.intercept) - shift))
        return nodes


def few_nodes(edge: Array) -> tuple[Array, Array]:
    """Nodes of a normal variable and their measure, for what is smooth on either side of the `edge` (1,)."""
    far = jnp.full(1, FEW_REACH)
    ends = jnp.concatenate([-far, jnp.clip(edge, 1.0 - far, far - 1.0), far])
    half, middle = 0.5 * jnp.diff(ends), 0.5 * (ends[1:] + ends[:-1])
    u = (middle[:, None] + half[:, None] * _FEW).ravel()
    return u, (half[:, None] * _FEW_WEIGHTS).ravel() * jax.scipy.stats.norm.pdf(u)


def turn(moments: Any, overlap: Any, spread: Any) -> Array:
    """The score at which the mean of the teacher's u is minus its bias."""
    known = jnp.sqrt(1.0 - moments.unexplained) * overlap
    far = 20.0 * jnp.sqrt(spread)
    away = jnp.where(known == 0.0, far, -moments.bias * spread / jnp.where(known == 0.0, 1.0, known))
    return jnp.where(moments.bias == 0.0, 0.0, jnp.clip(away, -far, far))


def label_law(moments: Any, overlap: Any, spread: Any, score: Array) -> tuple[Array, Array]:
    """P(label +1) and E[direction.x; label +1] given scores, each of their shape; of the logistic link (nodes,)."""
    # rounding must not make the part of direction.x that is not in the score negative
    rest = jnp.maximum(1.0 - overlap**2 / spread, 1e-12)
    told = jnp.sqrt(1.0 - moments.unexplained)
    mean = overlap * score / spread
    center, variance = told * mean + moments.bias, told**2 * rest + moments.unexplained
    if moments.link == "logistic":
        nodes = jnp.asarray(_HERMITE, mean.dtype)
        deviation = jnp.sqrt(variance)
        u = mean[:, None] + told * rest / deviation * nodes
        says = jax.nn.sigmoid((center[:, None] + deviation * nodes) / moments.scale)
        weighted = says * jnp.asarray(_HERMITE_WEIGHTS, mean.dtype)
        right, moment = jnp.sum(weighted, axis=1), jnp.sum(weighted * u, axis=1)
    else:
        blur = jnp.sqrt(variance + (moments.scale**2 if moments.link == "probit" else 0.0))
        right = jax.scipy.stats.norm.cdf(center / blur)
        moment = mean * right + told * rest / blur * jax.scipy.stats.norm.pdf(center / blur)
    turned = (1.0 - moments.flip) * right + moments.flip * (1.0 - right)
    return turned, (1.0 - moments.flip) * moment + moments.flip * (mean - moment)


def scored_law(moments: Any, overlap: Any, spread: Any) -> Any:
    """P(label +1) and E[u; label +1] at scores of any shape."""
    if moments.link != "logistic":
        return lambda score: label_law(moments, overlap, spread, score)
    table = jnp.sqrt(spread) * jnp.linspace(-REACH, REACH, TABLE)
    values, slopes = jax.jvp(
        lambda at: jnp.stack(label_law(moments, overlap, spread, at)), (table,), (jnp.ones_like(table),)
    )
    step = table[1] - table[0]

    def between(score: Array) -> tuple[Array, Array]:
        place = jnp.clip((score - table[0]) / step, 0.0, TABLE - 1.0)
        whole = jnp.minimum(jnp.floor(place), TABLE - 2.0)
        left, t = whole.astype(int), place - whole
        ends = values[:, left], values[:, left + 1]
        bends = step * slopes[:, left], step * slopes[:, left + 1]
        found = (1 + 2 * t) * (1 - t) ** 2 * ends[0] + t**2 * (3 - 2 * t) * ends[1]
        found = found + t * (1 - t) ** 2 * bends[0] - t**2 * (1 - t) * bends[1]
        return found[0], found[1]

    return between
