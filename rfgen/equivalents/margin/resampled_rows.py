"""Rows that each model draws for itself from the training set: a row drawn m times weighs m times as much.

Its force is that of a row whose own response is m gamma, its pull m times, its square m^2 times.  Equations: theory (8.10).
"""

__all__ = ["ResampledRows", "drawn_rows"]

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from rfgen.equivalents.margin.margin_equilibrium import Forces, MarginState
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.numerics.compilation.record import record


@record
class ResampledRows:
    """Each row of a `population` counts `times` with these `chances`, both (draws,), and else not at all."""

    population: Any
    times: Any
    chances: Any

    @property
    def way(self) -> "ResampledRows | None":
        """The same with coarse means, where the population has them."""
        return None if self.population.way is None else replace(self, population=self.population.way)

    @property
    def weight(self) -> Any:
        """Total weight of the rows times their largest second moment."""
        return self.population.weight * (self.times @ self.chances)

    @property
    def lean(self) -> Any:
        """The intercept to start from."""
        return self.population.lean

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins lowered by `shift`."""

        def of_draw(times: Any) -> Forces:
            return self.population.forces(replace(state, gamma=times * state.gamma), shift, loss, scale)

        return self._summed(jax.vmap(of_draw)(self.times))

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows which all pull alike."""
        first = self.population.first_forces(force)
        return self._summed(jax.tree.map(lambda part: jnp.broadcast_to(part, (*self.times.shape, *part.shape)), first))

    def _summed(self, each: Forces) -> Forces:
        once, squared = self.chances * self.times, self.chances * self.times**2
        sums = {name: jnp.tensordot(once, part, 1) for name, part in vars(each).items()}
        return Forces(**{**sums, "power": jnp.tensordot(squared, each.power, 1)})


def drawn_rows(population: Any, draws: tuple[Any, Any] | None) -> Any:
    """The `population`, or where `draws` = (times, chances) are given what one model draws of it."""
    return population if draws is None else ResampledRows(population, *(jnp.asarray(part, jnp.float64) for part in draws))
