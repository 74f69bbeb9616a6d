"""The equilibrium of a linear classifier trained by a loss of the margin: forces of rows, and the weights' answer to them.

A population of rows says with which forces its groups pull at weights of given margins, the weights say what they do in
answer.  Leave-one-out margins are normal, so five kinds of unknowns are enough: gamma_g, how far
training on a row of group g moves its own margin; the weights along directions, M_d; the spread of scores, q_g; the
intercept b; and the length N of the weights, in the norm dual to that of an attack within `radius`, which lowers every
margin by radius N.  Solved by Newton's method along the ridge, from a large one on.
Equations: theory (10.1), (10.5) to (10.7), (10.16) and (10.18).
"""

__all__ = ["Equilibrium", "Forces", "MarginState", "SparseWeights", "Weights", "margin_equilibrium"]

from functools import partial
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.ridge_path import RESIDUAL_TOLERANCE, loss_of, ridge_path
from rfgen.equivalents.margin.weight_response import (
    WeightResponse,
    shrunk_normal,
    sparse_response,
    weight_response,
)
from rfgen.numerics.compilation.record import record


@record
class MarginState:
    """The unknowns: `gamma`, `spread` (groups,), `overlap` (directions,); `intercept`, `length` ().

    Of rows seen in views a group is a covariance: of what views have in common, or of what each has of its own.
    """

    gamma: Any
    overlap: Any
    spread: Any
    intercept: Any
    length: Any

    @property
    def vector(self) -> Array:
        """All of them, of order 1."""
        ends = jnp.stack([self.intercept, jnp.log(self.length)])
        return jnp.concatenate([jnp.log(self.gamma), self.overlap, jnp.log(self.spread), ends])


@record
class Forces:
    """Sums over rows, in units of the ridge: `pull` along each direction (directions,); squares `power` and `slope` of the
    forces (groups,); `total` of the forces, `balance` of the forces times labels, and `strength`, a bound on it that is
    never 0, ().
    """

    pull: Any
    power: Any
    slope: Any
    total: Any
    balance: Any
    strength: Any


@record
class Weights:
    """Weights by levels, on `features` or the inputs, under attacks within an l2 ball: a ridge of radius sum psi / |w|
    on the weights w of the inputs.
    """

    variances: Any
    multiplicity: Any
    overlaps: Any
    features: Any
    radius: Any

    @property
    def directions(self) -> int:
        """How many directions the weights are pulled along."""
        return self.overlaps.shape[0]

    @property
    def trace(self) -> Any:
        """The largest gamma, at ridge 1."""
        return jnp.max(self.variances @ self.multiplicity)

    def answer(self, forces: Forces, length: Any) -> WeightResponse:
        """The response at ridge 1 of weights of this `length`."""
        held, spectrum = self.radius * forces.total / length, (self.variances, self.multiplicity, self.overlaps)
        ridge = jnp.ones_like(held)
        return weight_response(*spectrum, forces.slope, forces.power, forces.pull, ridge, self.features, held)

    def length(self, answer: WeightResponse) -> Any:
        """The length by which an attack lowers margins."""
        return jnp.sqrt(answer.of_inputs)

    def scattered(self, variances: Any, forces: Forces, answer: WeightResponse) -> Array:
        """Variance of the scores of other inputs, of `variances` (parts, levels): (parts,)."""
        resolvent = 1.0 / (forces.slope @ self.variances + answer.nu)
        lengths = jnp.einsum("d,del,e->l", forces.pull, self.overlaps, forces.pull)
        power = forces.power @ self.variances + answer.feature_power
        return variances @ ((lengths + self.multiplicity * power) * resolvent**2)


@record
class SparseWeights:
    """Weights of the inputs under attacks of bounded coordinates: an l1 penalty radius sum psi."""

    variances: Any
    means: Any
    radius: Any

    @property
    def directions(self) -> int:
        """How many directions the weights are pulled along."""
        return self.means.shape[0]

    @property
    def trace(self) -> Any:
        """The largest gamma, at ridge 1."""
        return jnp.max(jnp.sum(self.variances, axis=1))

    def answer(self, forces: Forces, length: Any) -> WeightResponse:
        """The response at ridge 1."""
        threshold, ridge = self.radius * forces.total, jnp.ones_like(length)
        return sparse_response(self.variances, self.means, forces.slope, forces.power, forces.pull, ridge, threshold)

    def length(self, answer: WeightResponse) -> Any:
        """The length by which an attack lowers margins."""
        return answer.l1

    def scattered(self, variances: Any, forces: Forces, answer: WeightResponse) -> Array:
        """Variance of the scores of other inputs, of `variances` (parts, dim): (parts,)."""
        law = shrunk_normal(forces.pull @ self.means, forces.power @ self.variances, self.radius * forces.total)
        return variances @ (law.square / (forces.slope @ self.variances + answer.nu) ** 2)


@record
class Equilibrium:
    """The solved `state`, the `forces` and the `answer` there; `scale`: gamma and forces are in units of it; `shift` of the
    margins; `residual` and whether it `converged`.
    """

    state: MarginState
    forces: Forces
    answer: WeightResponse
    scale: Float[Array, "*batch"]
    shift: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


def margin_equilibrium(population: Any, response: Any, loss: str, ridge: Any, intercept: bool) -> Equilibrium:
    """Train by `loss`, with `ridge` >= 0 (0: the limit from above), weights that answer as `response`, `Weights`, says.

    `population`, such as `LabelledGroups`: its `forces(state, shift, loss, scale)` at leave-one-out margins lowered by
    `shift`, `first_forces(force)` of rows which all pull alike, the `weight` of its rows times their largest
    second moment, and the intercept to start from, `lean`; `way`, a population of nearly the same forces, less dear, to
    follow the ridges with, or None.
    """
    rows = loss_of(loss)
    x, scale, left = ridge_path(
        partial(_residual, rows, intercept), partial(_start, rows), (population, response), population.weight,
        response.trace, ridge, loss, None if population.way is None else (population.way, response),
    )
    state, forces, answer = _solved_for(rows, (population, response), x, scale)
    return Equilibrium(state, forces, answer, scale, response.radius * state.length, left, left < RESIDUAL_TOLERANCE)


def _solved_for(rows: MarginLoss, system: Any, x: Array, scale: Any) -> tuple[MarginState, Forces, WeightResponse]:
    population, response = system
    groups = (x.size - 2 - response.directions) // 2
    gamma, overlap, spread = jnp.exp(x[:groups]), x[groups : x.size - 2 - groups], jnp.exp(x[x.size - 2 - groups : -2])
    state = MarginState(gamma, overlap, spread, x[-2], jnp.exp(x[-1]))
    forces = population.forces(state, response.radius * state.length, rows, scale)
    return state, forces, response.answer(forces, state.length)


def _residual(rows: MarginLoss, intercept: bool, system: Any, x: Array, hold: Any, scale: Any) -> Float[Array, " unknowns"]:
    """The equations, each of order 1."""
    state, forces, answer = _solved_for(rows, system, x, scale)
    balance = forces.balance / forces.strength - hold * state.intercept if intercept else state.intercept
    spread = state.spread if state.spread.size == state.overlap.size else jnp.max(state.spread)
    return jnp.concatenate(
        [
            jnp.log(answer.gamma / state.gamma),
            (answer.along - state.overlap) / jnp.sqrt(spread),
            jnp.log(answer.spread / state.spread),
            jnp.stack([balance, jnp.log(system[1].length(answer) / state.length)]),
        ]
    )


def _start(rows: MarginLoss, system: Any, scale: Any) -> Array:
    """Nearly no weights: the answer to the forces on rows of margin 0."""
    population, response = system
    forces = population.first_forces(rows.force_at(jnp.zeros(())) / scale)
    # the force that an l2 attack adds is small beside the ridge: as of long weights
    answer = response.answer(forces, jnp.full((), jnp.inf))
    length = response.length(answer)
    return MarginState(answer.gamma, answer.along, answer.spread, population.lean, length).vector
