"""Forces of labelled Gaussian groups: leave-one-out margins are normal, label (M_g + b) - shift + sqrt(q_g) Z.

Equations: theory (10.3) and (10.5).
"""

__all__ = ["LabelledGroups", "scored_forces"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Forces, MarginState
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import PairedForces, line_forces
from rfgen.numerics.compilation.record import record
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes


@record
class LabelledGroups:
    """`counts` of rows, `labels` and loss `weights` of each group, (groups,); `reach`: their largest second moment, ()."""

    counts: Any
    labels: Any
    weights: Any
    reach: Any

    way = None

    @property
    def weight(self) -> Any:
        """Total weight of the rows times their largest second moment."""
        return jnp.sum(self.counts * self.weights) * self.reach

    @property
    def lean(self) -> Any:
        """Half the difference of the shares of labels."""
        return 0.5 * jnp.sum(self.counts * self.labels) / jnp.sum(self.counts)

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins lowered by `shift`."""

        def of_group(weight: Any, mean: Any, deviation: Any, gamma: Any) -> Any:
            margins, measure = normal_nodes(mean, deviation, loss.kinks(gamma, scale))
            force, slope = loss.force(margins, gamma, scale)
            return measure @ force, weight * (measure @ force**2), measure @ slope

        given = self.weights, *self.margins(state, shift)
        return self._summed(*jax.vmap(of_group)(*given))

    def margins(self, state: MarginState, shift: Any) -> tuple[Any, Any, Any]:
        """Mean and deviation of leave-one-out margins, and weighted gamma, (groups,)."""
        return self.labels * (state.overlap + state.intercept) - shift, jnp.sqrt(state.spread), self.weights * state.gamma

    def pairs(self, state: MarginState, loss: MarginLoss, scale: Any, draws: tuple[Array, Array]) -> PairedForces:
        """Every group is a kind."""
        series = line_forces(partial(scored_forces, loss, scale), self.margins(state, 0.0), draws)
        zero = jnp.zeros_like(state.spread)
        return PairedForces(self.counts * self.weights**2, zero, jnp.eye(zero.size), series)

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows which all pull alike."""
        return self._summed(force, self.weights * force**2, jnp.zeros_like(self.counts))

    def _summed(self, force: Any, power: Any, slope: Any) -> Forces:
        total = self.counts * self.weights
        force, power = total * force, total * power
        # at least the sum of all |force|, never 0, and smooth where a group has no rows
        strength = jnp.sqrt(jnp.sum(self.counts) * jnp.sum(power))
        pull = self.labels * force
        return Forces(pull, power, total * slope, jnp.sum(force), jnp.sum(pull), strength)


def scored_forces(
    loss: MarginLoss, scale: Any, number: Any, mean: Any, deviation: Any, gamma: Any
) -> tuple[Array, Array, Array]:
    """Of rows drawn `number` times the left-out margins about their mean, in deviations, their measure, and forces."""
    margins, measure = normal_nodes(mean, deviation, loss.kinks(number * gamma, scale))
    return (margins - mean) / deviation, measure, loss.force(margins, number * gamma, scale)[0]
