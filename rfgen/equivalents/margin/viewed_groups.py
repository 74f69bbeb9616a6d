"""Forces of labelled Gaussian groups whose rows are seen in views.

Components are covariances: those of the common parts of views, then those of the private ones; of a single view, or of
views that are all alike, the common ones alone.  Equations: theory (16.1), (16.2) and (16.3).
"""

__all__ = ["SeenRows", "ViewedGroups", "answered", "group_sums", "measured_views"]

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from rfgen.equivalents.margin.paired_views import view_forces
from rfgen.equivalents.margin.viewed_rows import Trained, ViewRule, trained_views
from rfgen.numerics.compilation.record import record
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes


def answered(sums: Callable[[Array], Array], at: Any) -> Array:
    """`sums` of a few numbers, differentiated by these alone: the equilibrium has more unknowns than a row has numbers."""

    @jax.custom_jvp
    def of(numbers: Array) -> Array:
        return sums(numbers)

    @of.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        jacobian, value = jax.jacfwd(lambda numbers: (sums(numbers),) * 2, has_aux=True)(primals[0])
        return value, jacobian @ tangents[0]

    return of(jnp.stack(at))


@dataclass(frozen=True)
class SeenRows:
    """Rows of several kinds: `counts`, `labels`, loss `weights` (kinds,); the mean of a kind is `sign` times direction
    `direction`, its covariance `covariance` (kinds,); `reach`: the largest second moment of a row.
    """

    counts: Any
    labels: Any
    weights: Any
    sign: Any
    direction: Any
    covariance: Any
    reach: Any

    @property
    def weight(self) -> Any:
        """Total weight of the rows times their largest second moment."""
        return jnp.sum(self.counts * self.weights) * self.reach

    @property
    def lean(self) -> Any:
        """Half the difference of the shares of labels."""
        return 0.5 * jnp.sum(self.counts * self.labels) / jnp.sum(self.counts)


@record
class ViewedGroups(SeenRows):
    """Kinds have one of `directions` and of `covariances`; `rule` of the views, None for one; `coarse`, for the way."""

    rule: ViewRule | None
    coarse: ViewRule | None
    directions: int = field(metadata={"static": True})
    covariances: int = field(metadata={"static": True})

    @property
    def way(self) -> "ViewedGroups | None":
        """The same with coarse means."""
        return None if self.coarse is None else replace(self, rule=self.coarse, coarse=None)

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins lowered by `shift`."""
        means = self.labels * (self.sign * state.overlap[self.direction] + state.intercept) - shift
        gamma, spread = (_parts(each, self.rule) for each in (state.gamma, state.spread))

        def of_kind(mean: Any, weight: Any, place: Any) -> Array:
            at = [*(weight * part[place] for part in gamma), *(part[place] for part in spread)]
            sums = answered(lambda numbers: group_sums(loss, self.rule, numbers), [*at, mean, scale])
            return sums * jnp.stack([jnp.ones_like(weight), weight, jnp.ones_like(weight), weight, jnp.ones_like(weight)])

        found = jax.vmap(of_kind)(means, self.weights, self.covariance)
        force, power, slope, private, private_slope = (self.counts * self.weights)[None] * found.T
        pull = self.labels * force
        strength = jnp.sqrt(jnp.sum(self.counts) * jnp.sum(power))

        def together(*parts: Array) -> Array:
            """Sums over the rows of each covariance, of the common parts and of the private ones."""
            seen = parts[:1] if self.rule is None else parts
            return jnp.concatenate([jax.ops.segment_sum(part, self.covariance, self.covariances) for part in seen])

        return Forces(
            jax.ops.segment_sum(self.sign * pull, self.direction, self.directions), together(power, private),
            together(slope, private_slope), jnp.sum(force), jnp.sum(pull), strength,
        )

    def pairs(self, state: MarginState, loss: MarginLoss, scale: Any, draws: tuple[Array, Array]) -> PairedForces:
        """Every kind is one; private scores are of components of their own."""
        mean = self.labels * (self.sign * state.overlap[self.direction] + state.intercept)
        gamma, spread = (_parts(each, self.rule) for each in (state.gamma, state.spread))
        gamma, (deviation, *own) = [self.weights * each[self.covariance] for each in gamma], map(jnp.sqrt, spread)
        count, zero, scores = self.counts * self.weights**2, jnp.zeros_like(mean), jax.nn.one_hot(
            self.covariance, self.covariances, dtype=mean.dtype
        )
        kinds: Any = mean, deviation[self.covariance], *gamma
        if self.rule is None:
            return PairedForces(count, zero, scores, line_forces(partial(scored_forces, loss, scale), kinds, draws))
        kinds = *kinds[:2], own[0][self.covariance], *gamma
        series = view_forces(loss, self.rule.views, kinds, scale, draws)
        parts = jnp.concatenate([scores, 0.0 * scores], axis=1), jnp.concatenate([0.0 * scores, scores], axis=1)
        return PairedForces(count, zero, parts[0], series[0], *(() if series[1] is None else (parts[1], series[1])))

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows which all pull alike."""
        total = self.counts * self.weights
        power = jax.ops.segment_sum(total * self.weights * force**2, self.covariance, self.covariances)
        if self.rule is not None:
            power = jnp.concatenate([power, power / self.rule.views])
        pull = self.labels * total * force
        strength = jnp.sqrt(jnp.sum(self.counts) * jnp.sum(power))
        along = jax.ops.segment_sum(self.sign * pull, self.direction, self.directions)
        return Forces(along, power, jnp.zeros_like(power), jnp.sum(total * force), jnp.sum(pull), strength)

    def measured(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> tuple[Array, Array, Array]:
        """Training error, training loss and share of support of the views, means over rows."""
        means = self.labels * (self.sign * state.overlap[self.direction] + state.intercept) - shift
        gamma, spread = (_parts(each, self.rule) for each in (state.gamma, state.spread))

        def of_kind(mean: Any, weight: Any, place: Any) -> Array:
            at = [*(weight * part[place] for part in gamma), *(part[place] for part in spread)]
            if self.rule is None:
                return measured_rows(loss, at[0], mean, jnp.sqrt(at[1]), scale, shift)
            deviations = jnp.sqrt(at[2]), jnp.sqrt(at[3])
            rows = trained_views(loss, self.rule, (at[0], at[1]), deviations[1], mean, deviations[0], scale)
            density = jax.scipy.stats.norm.pdf((rows.margin - mean) / deviations[0]) / deviations[0]
            return measured_views(loss, self.rule, rows, rows.weight * density, at[1], deviations[1], scale, shift)

        found = jax.vmap(of_kind)(means, self.weights, self.covariance)
        error, value, support = (self.counts / jnp.sum(self.counts)) @ found
        return error, value, support


def _parts(values: Array, rule: ViewRule | None) -> list[Array]:
    return [values] if rule is None else list(jnp.split(values, 2))


def group_sums(loss: MarginLoss, rule: ViewRule | None, numbers: Array) -> Array:
    """E pbar, E pbar^2, its slope, mean E p_k^2 / m and the private slope."""
    if rule is None:
        gamma, spread, mean, scale = numbers
        margins, measure = normal_nodes(mean, jnp.sqrt(spread), loss.kinks(gamma, scale))
        force, slope = loss.force(margins, gamma, scale)
        return jnp.stack([measure @ force, measure @ force**2, measure @ slope, 0.0 * gamma, 0.0 * gamma])
    gamma, own_gamma, spread, own_spread, mean, scale = numbers
    deviation = jnp.sqrt(spread)
    rows = trained_views(loss, rule, (gamma, own_gamma), jnp.sqrt(own_spread), mean, deviation, scale)
    density = rows.weight * jnp.exp(-0.5 * ((rows.margin - mean) / deviation) ** 2) / (deviation * math.sqrt(2.0 * np.pi))
    values = rows.force, rows.force**2, rows.slope, rows.private, rows.private_slope
    return jnp.stack([jnp.sum(density * each) for each in values])


def measured_rows(loss: MarginLoss, gamma: Any, mean: Any, deviation: Any, scale: Any, shift: Any) -> Array:
    """Share of negative margins, mean loss, and share of margins of at most 1, of rows seen once; margins are lowered by
    `shift`, but for the first.
    """
    margins, measure = normal_nodes(mean, deviation, loss.kinks(gamma, scale))
    below = [_left_out(loss, gamma / scale, margin) for margin in (-shift, 1.0)]
    wrong, support = jax.scipy.stats.norm.cdf((jnp.stack(below) - mean) / deviation)
    value = measure @ loss.value(margins + gamma * loss.force(margins, gamma, scale)[0])
    return jnp.stack([wrong, value, support])


def measured_views(
    loss: MarginLoss, rule: ViewRule, rows: Trained, density: Array, gamma: Any, private: Any, scale: Any, shift: Any
) -> Array:
    """The same of views, `density` (nodes, draws) of their rows; `gamma` and deviation of the private part."""
    cdf = jax.scipy.stats.norm.cdf
    if math.isinf(rule.views):
        level, chance = rows.level, density[:, 0]

        def value(margin: Any) -> Array:
            margins, measure = normal_nodes(margin, private, loss.kinks(0.0, scale))
            return measure @ loss.value(margins)

        each = [cdf((-shift - level) / private), jax.lax.map(value, level), cdf((1.0 - level) / private)]
        return jnp.stack([chance @ one for one in each])
    own = gamma / rule.views
    left = rows.level[:, None] + private * rows.place
    below = jnp.cumsum(rule.measure)[None] if rows.below is None else rows.below

    def missed(margin: Any) -> Array:
        """How much of what a private node stands for is left out below what training moves to `margin`."""
        end = _left_out(loss, own / scale, margin)
        chance = jnp.diff(below, axis=1, prepend=0.0)
        reached = cdf((end - rows.level) / private)[:, None] - (below - chance)
        return jnp.clip(reached / jnp.maximum(chance, 1e-300), 0.0, 1.0)

    each = [missed(-shift), loss.value(left + own * rows.own), missed(1.0)]
    return jnp.stack([jnp.sum(density * (one @ rows.share.T)) for one in each])


def _left_out(loss: MarginLoss, gamma: Any, margin: Any) -> Array:
    """The left-out margin that training moves to `margin`; rows on which no force acts stay."""
    force = loss.force_at(jnp.asarray(margin))
    return jnp.where(force > 0.0, margin - gamma * jnp.where(force > 0.0, force, 1.0), margin)
