"""Forces of labelled Gaussian groups whose views are moved as a whole, block by block of coordinates.

Components are covariances times blocks, directions are means times blocks.  Equations: theory (16.16) and (16.17).
"""

__all__ = ["PatternedGroups", "by_blocks", "first_pulls", "line_pattern", "measured_pattern", "pattern_forces"]

from dataclasses import field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Forces, MarginState
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import PairedForces, line_forces
from rfgen.equivalents.margin.patterned_rows import PatternRows, TrainedPattern, trained_pattern
from rfgen.equivalents.margin.viewed_groups import SeenRows, answered
from rfgen.numerics.compilation.record import record
from rfgen.numerics.small_systems import solved

# What forces on rows which all pull alike make of blocks that views turn about, as a share of those that they do not.
LEAST_POWER = 1e-6


def by_blocks(loss: MarginLoss, kind: Any, frame: Array, at: Any, sums: Any, nodes: str) -> tuple[Array, ...]:
    """Of one kind of rows the mean force on each block, its square, and mean slopes (blocks, blocks), the mean force on the
    intercept and that of the attack, (2,), and the mean of forces on blocks times the teacher's u, 0 where there is none.

    `at` = (mean, spread, gamma of the blocks, intercept, `lowered`, scale, overlap of blocks with the teacher); `sums(
    train, intercept, covariance, overlap)` are E phi, E phi phi', E phi om', pushes and E phi u of rows `train(intercept)`.
    """
    mean, spread, gamma, shift, lowered, scale, told = at
    r = frame.shape[0]
    inside = [frame @ mean, (frame * spread) @ frame.T, (frame * gamma) @ frame.T, frame @ told]

    def of(numbers: Array) -> Array:
        middle, covariance, moved, told, ends = jnp.split(numbers, np.cumsum([r, r * r, r * r, r]))
        covariance, moved = covariance.reshape(r, r), moved.reshape(r, r)

        def train(shift: Any) -> TrainedPattern:
            return trained_pattern(loss, kind, middle, covariance, moved, shift, ends[2], nodes, ends[1])

        return jnp.concatenate([part.ravel() for part in sums(train, ends[0], covariance, told)])

    numbers = jnp.concatenate([*(part.ravel() for part in inside), jnp.stack([shift, lowered, scale])])
    force, square, along, push, u = jnp.split(answered(of, list(numbers)), np.cumsum([r, r * r, r * r, 2]))
    told = inside[-1]
    # by Stein's lemma, for scores and for the teacher's u at once
    slope = solved(inside[1] - jnp.outer(told, told), jnp.outer(told, u) - along.reshape(r, r).T).T
    powers = jnp.einsum("rb,rs,sb->b", frame, square.reshape(r, r), frame)
    return frame.T @ force, powers, frame.T @ slope @ frame, push, frame.T @ u


def _group_sums(train: Any, shift: Any, covariance: Any, told: Any) -> tuple[Array, ...]:
    """Of rows without a teacher."""
    del covariance
    rows = train(shift)
    weighed = rows.measure[:, None] * rows.force
    mean, push = jnp.sum(weighed, axis=0), rows.measure @ rows.push
    # under attack labels are kept: it pushes as the intercept does
    return mean, weighed.T @ rows.force, weighed.T @ rows.om, jnp.stack([push, push]), 0.0 * told


def measured_pattern(
    loss: MarginLoss, weight: Array, rows: TrainedPattern, lowered: Any, share: Any = 1.0
) -> Array:
    """Share of negative margins, mean loss, and share of margins of at most 1, of views; margins are `lowered`, but for the
    first.
    """
    each = rows.margins < -lowered, loss.value(rows.margins), rows.margins <= 1.0 + 1e-9
    return jnp.stack([(rows.measure * share) @ (part.astype(weight.dtype) @ weight) for part in each])


@record
class PatternedGroups(SeenRows):
    """Rows in views of the `patterns`; components and directions are those of it times
    `blocks`, the last fastest.
    """

    patterns: tuple[PatternRows, ...]
    blocks: int = field(metadata={"static": True})
    directions: int = field(metadata={"static": True})
    covariances: int = field(metadata={"static": True})
    nodes: str = field(default="fine", metadata={"static": True})

    @property
    def way(self) -> "PatternedGroups | None":
        """The same with coarse means, where they are of more than one dimension."""
        return None if max(rows.gains.shape[2] for rows in self.patterns) == 1 else replace(self, nodes="coarse")

    def _at(self, state: MarginState) -> tuple[Array, Array, Array, Array]:
        """Mean, spread and gamma of the blocks' scores, label times intercept, of each kind."""
        both = state.gamma, state.spread
        gamma, spread = (part.reshape(self.covariances, self.blocks)[self.covariance] for part in both)
        overlap = state.overlap.reshape(self.directions, self.blocks)[self.direction]
        mean, weighted = (self.labels * self.sign)[:, None] * overlap, self.weights[:, None] * gamma
        return mean, spread, weighted, self.labels * state.intercept

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins lowered by `shift`."""
        none = jnp.zeros(self.blocks)
        parts = []
        for rows in self.patterns:

            def of_pattern(kind: Any, frame: Any, at: Any) -> Any:
                return by_blocks(loss, kind, frame, (*at, shift, scale, none), _group_sums, self.nodes)

            each = jax.vmap(lambda at, rows=rows, of=of_pattern: jax.vmap(lambda *one: of(one[:3], one[3], at))(
                rows.weight, rows.sign, rows.gains, rows.frame
            ))(self._at(state))
            parts.append([jnp.einsum("p,kp...->k...", rows.chance, part) for part in (*each[:3], each[3][..., 0])])
        force, power, slope, push = (sum(part[place] for part in parts) for place in range(4))
        return self._summed(force, power, jnp.diagonal(slope, axis1=1, axis2=2), push)

    def _summed(self, force: Any, power: Any, slope: Any, push: Any) -> Forces:
        total = self.counts * self.weights
        strength = jnp.sqrt(jnp.sum(self.counts) * jnp.sum((total * self.weights)[:, None] * power))

        def together(part: Array) -> Array:
            return jax.ops.segment_sum(part, self.covariance, self.covariances).ravel()

        pull = (self.labels * self.sign * total)[:, None] * force
        return Forces(
            jax.ops.segment_sum(pull, self.direction, self.directions).ravel(),
            together((total * self.weights)[:, None] * power), together(total[:, None] * slope), jnp.sum(total * push),
            jnp.sum(self.labels * total * push), strength,
        )

    def pairs(self, state: MarginState, loss: MarginLoss, scale: Any, draws: tuple[Array, Array]) -> PairedForces:
        """Every kind in every pattern, all of one dimension, is one."""
        (rows,) = self.patterns
        kinds = pattern_forces(rows, *self._at(state))
        series = line_forces(partial(line_pattern, loss, scale), kinds, draws)
        blocks = jax.nn.one_hot(self.covariance, self.covariances, dtype=state.spread.dtype)
        scores = jnp.einsum("kc,pb->kpcb", blocks, rows.frame[:, 0] ** 2).reshape(-1, state.spread.size)
        count = ((self.counts * self.weights**2)[:, None] * rows.chance).ravel()
        return PairedForces(count, jnp.zeros_like(count), scores, series)

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows whose views all pull alike."""
        one = jnp.ones_like(self.counts)
        mean, power, push = first_pulls(self.patterns)
        each = one[:, None] * mean * force, one[:, None] * power * force**2, one[:, None] * 0.0 * mean, one * push * force
        return self._summed(*each)

    def measured(self, state: MarginState, lowered: Any, loss: MarginLoss, scale: Any) -> tuple[Array, Array, Array]:
        """Training error, training loss and share of support of the views, means over rows."""
        total = jnp.zeros((self.counts.size, 3))
        for rows in self.patterns:

            def one(at: Any, chance: Any, weight: Any, sign: Any, gains: Any, frame: Any) -> Array:
                mean, spread, gamma, shift = at
                inside = frame @ mean, (frame * spread) @ frame.T, (frame * gamma) @ frame.T
                found = trained_pattern(loss, (weight, sign, gains), *inside, shift, scale, "dense", lowered)
                return chance * measured_pattern(loss, weight, found, lowered)

            of_rows = (rows.chance, rows.weight, rows.sign, rows.gains, rows.frame)
            each = jax.vmap(lambda at, one=one, given=of_rows: jax.vmap(lambda *kind: one(at, *kind))(*given))(
                self._at(state)
            )
            total = total + jnp.sum(each, axis=1)
        error, value, support = (self.counts / jnp.sum(self.counts)) @ total
        return error, value, support


def pattern_forces(rows: PatternRows, mean: Array, spread: Array, gamma: Array, shift: Array) -> tuple[Array, ...]:
    """Kinds of rows times patterns of one dimension: mean, deviation and gamma of the score, intercept, and the pattern."""
    frame = rows.frame[:, 0]
    each = mean @ frame.T, jnp.sqrt(spread @ (frame**2).T), gamma @ (frame**2).T, jnp.broadcast_to(
        shift[:, None], (shift.size, len(frame))
    )
    own = (jnp.tile(part, (shift.size, *[1] * (part.ndim - 1))) for part in (rows.weight, rows.sign, rows.gains))
    return *(part.ravel() for part in each), *own


def line_pattern(
    loss: MarginLoss, scale: Any, number: Any, mean: Any, deviation: Any, gamma: Any, shift: Any, *kind: Any
) -> tuple[Array, Array, Array]:
    """Of rows drawn `number` times the left-out scores about their mean, in deviations, their measure, and forces."""
    square = deviation[None, None] ** 2, number * gamma[None, None]
    rows = trained_pattern(loss, kind, mean[None], *square, shift, scale)
    return rows.om[:, 0] / deviation, rows.measure, rows.force[:, 0]


def first_pulls(patterns: tuple[PatternRows, ...]) -> tuple[Array, Array, Array]:
    """Means over patterns of pulls on blocks (blocks,), of their squares, of pulls on the intercept (), at forces 1."""
    mean = power = push = jnp.zeros(())
    for rows in patterns:
        pulls = jnp.einsum("pv,pvr,prb->pb", rows.weight * rows.sign, rows.gains, rows.frame)
        size = jnp.einsum("pv,pvb->pb", rows.weight, jnp.square(jnp.einsum("pvr,prb->pvb", rows.gains, rows.frame)))
        mean, push = mean + rows.chance @ pulls, push + rows.chance @ jnp.sum(rows.weight * rows.sign, axis=1)
        power = power + rows.chance @ (pulls**2 + LEAST_POWER * size)
    return mean, power, push
