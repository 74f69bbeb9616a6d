"""Linear classifiers trained on views that are moved as a whole, with labels from a linear teacher.

Equations: theory (10.10), (16.16) and (16.17).
"""

__all__ = ["PatternedTeacherMoments", "patterned_teacher", "patterned_teacher_moments"]

from dataclasses import field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Forces, MarginState, margin_equilibrium
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import PairedForces, line_forces, mean_spread
from rfgen.equivalents.margin.patterned_groups import by_blocks, first_pulls, line_pattern, measured_pattern, pattern_forces
from rfgen.equivalents.margin.patterned_rows import PatternRows, trained_pattern
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.equivalents.margin.taught_rows import SIGNS, TaughtRows, label_law, scored_law
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.numerics.small_systems import solved
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.classes.teacher import Teacher
from rfgen.theory.classification.teacher import TeacherClassifier, TeacherMoments, law_of, measured
from rfgen.theory.classification.views.patterned import CORNER, seen_blocks
from rfgen.theory.classification.views.seen import SeenLevels, as_floats, by_levels


@record
class PatternedTeacherMoments(SeenLevels):
    """`teacher`: its label law; parts are blocks, directions those that rows pull along in each block; `patterns` of the
    views.
    """

    teacher: TeacherMoments
    patterns: tuple[PatternRows, ...]


def patterned_teacher_moments(
    teacher: Teacher, law: ModeLaw, views: float, free: bool = True, attack: str | None = None
) -> PatternedTeacherMoments:
    """What the theory needs of a `teacher` whose rows are seen in `views` views of a `law` of patterns without noise;
    `free` and `attack` as in `patterned_moments`.
    """
    patterns, ones = seen_blocks(law, teacher.dim, views, free, attack)
    push = teacher.variances * teacher.direction
    levels = by_levels(teacher.variances * ones, teacher.variances[None], push * ones, attack)
    labels = TeacherMoments(np.zeros(1), np.zeros(1), np.zeros(1), *law_of(teacher))
    return PatternedTeacherMoments(*levels, labels, patterns, attack=attack)


@record
class PatternedTaughtRows(TaughtRows):
    """Rows labelled by the teacher of `moments`, seen in views of the `patterns`; `reach`, their largest second moment."""

    reach: Any
    patterns: tuple[PatternRows, ...]
    nodes: str = field(default="fine", metadata={"static": True})

    @property
    def weight(self) -> Any:
        """Rows times their largest second moment."""
        return self.n * self.reach

    @property
    def way(self) -> "PatternedTaughtRows | None":  # type: ignore[override]
        """The same with coarse means, where they are of more than one dimension."""
        return None if max(rows.gains.shape[2] for rows in self.patterns) == 1 else replace(self, nodes="coarse")

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins lowered by `shift`."""
        at = jnp.zeros_like(state.spread), state.spread, state.gamma, state.intercept, shift, scale, state.overlap
        total = [jnp.zeros(())] * 4
        for rows in self.patterns:
            found = jax.vmap(lambda *one: by_blocks(loss, one[:3], one[3], at, self._sums, self.nodes))(
                rows.weight, rows.sign, rows.gains, rows.frame
            )
            each = (jnp.einsum("p,p...->...", rows.chance, part) for part in found[1:])
            total = [old + new for old, new in zip(total, each, strict=True)]
        power, slope, (balance, every), along = total
        pull = along + slope @ state.overlap
        sums = pull, power, jnp.diagonal(slope), every, balance, jnp.sqrt(jnp.sum(power))
        return Forces(*(self.n * each for each in sums))

    def pairs(self, state: MarginState, loss: MarginLoss, scale: Any, draws: tuple[Array, Array]) -> PairedForces:
        """By label, pattern, of one dimension each, and the teacher's u."""
        (rows,) = self.patterns
        share, labels, u = self.told(few=True)
        frame, both = rows.frame[:, 0], jnp.asarray(SIGNS)
        mean, spread, gamma = (jnp.tile(part, (2, 1)) for part in (0.0 * state.overlap, state.spread, state.gamma))
        kinds = pattern_forces(rows, mean, spread, gamma, both * state.intercept)
        overlap = jnp.tile(frame @ state.overlap, 2)
        values = jnp.repeat((labels * u).reshape(2, -1), len(frame), axis=0)
        series = line_forces(partial(line_pattern, loss, scale), kinds, draws, (overlap / kinds[1], values))
        count = self.n * (share.reshape(2, 1, -1) * rows.chance[:, None]).ravel()
        scores = jnp.tile(jnp.repeat(frame**2, values.shape[1], axis=0), (2, 1))
        return PairedForces(count, jnp.repeat(overlap**2, values.shape[1]), scores, series)

    def _sums(self, train: Any, shift: Any, covariance: Array, told: Array) -> tuple[Array, ...]:
        """Of rows of either label, side by side, which compiles once: E y phi is not asked for."""

        def of_label(label: Any) -> tuple[Array, ...]:
            rows = train(label * shift)
            share, u = self._labelled(label, rows.om, covariance, told)
            weighed = (rows.measure * share)[:, None] * rows.force
            push = rows.measure @ (share * rows.push)
            along, pushes = label * ((rows.measure * u) @ rows.force), jnp.stack([label * push, push])
            return weighed.T @ rows.force, weighed.T @ rows.om, pushes, along

        return 0.0 * told, *(jnp.sum(part, axis=0) for part in jax.vmap(of_label)(jnp.asarray(SIGNS)))

    def _labelled(self, label: Any, om: Array, covariance: Array, told: Array) -> tuple[Array, Array]:
        """P(label) and E[u; label] at scores label * om."""
        along = solved(covariance, told)
        known = told @ along
        right, moment = scored_law(self.moments, known, known)(label * (om @ along))
        return jnp.where(label > 0.0, right, 1.0 - right), jnp.where(label > 0.0, moment, label * (om @ along) - moment)

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows whose views all pull alike."""
        right, moment = label_law(self.moments, jnp.zeros(()), jnp.ones(()), jnp.zeros(1))
        mean, power, push = first_pulls(self.patterns)
        push, power = force * push, force**2 * power
        balance = push * (2.0 * right[0] - 1.0)
        sums = 2.0 * force * moment * mean, power, jnp.zeros_like(power), push, balance, jnp.sqrt(jnp.sum(power))
        return Forces(*(self.n * each for each in sums))

    def viewed(self, state: MarginState, lowered: Any, loss: MarginLoss, scale: Any) -> tuple[Array, Array, Array]:
        """Training error, loss and share of support of the views."""
        total = jnp.zeros(3)
        for rows in self.patterns:

            def one(chance: Any, weight: Any, sign: Any, gains: Any, frame: Any) -> Array:
                covariance, told = (frame * state.spread) @ frame.T, frame @ state.overlap
                inside = 0.0 * told, covariance, (frame * state.gamma) @ frame.T

                def of_label(label: Any) -> Array:
                    ends = label * state.intercept, scale, "dense", lowered
                    trained = trained_pattern(loss, (weight, sign, gains), *inside, *ends)
                    share, _ = self._labelled(label, trained.om, covariance, told)
                    return measured_pattern(loss, weight, trained, lowered, share)

                return chance * jnp.sum(jax.vmap(of_label)(jnp.asarray(SIGNS)), axis=0)

            each = jax.vmap(one)(rows.chance, rows.weight, rows.sign, rows.gains, rows.frame)
            total = total + jnp.sum(each, axis=0)
        error, value, support = total
        return error, value, support


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def patterned_teacher(
    moments: PatternedTeacherMoments, n: Any, loss: str, ridge: Any, features: Any = jnp.inf, intercept: bool = False,
    draws: Any = None, members: Any = None, radius: Any = 0.0,
) -> TeacherClassifier:
    """Train on `n` rows of `patterned_teacher_moments(teacher, law, views)`; arguments and precision as in
    `patterned_classifier`, the errors on clean inputs, `train_error`, `train_loss` and `support` of the views.

    Exact as n, dimension and features grow together.  Derived.

    >>> import jax, numpy as np, rfgen
    >>> teacher = rfgen.Teacher(np.ones(100), np.ones(100), link="probit", scale=0.5)
    >>> moments = patterned_teacher_moments(teacher, rfgen.Flip().mode_law(100), float("inf"))
    >>> with jax.enable_x64(True):  # half of the coordinates have no weight
    ...     bool(patterned_teacher(moments, 200, "logistic", 2.0).converged)
    True
    """
    require_double_precision("rfgen.theory.patterned_teacher")
    loss = f"hinge({CORNER})" if loss == "hinge" else loss
    moments, n, ridge, features = as_floats((moments, n, ridge, features))
    reach = jnp.max(moments.variances) * jnp.max(jnp.stack([jnp.max(jnp.abs(rows.span)) for rows in moments.patterns])) ** 2
    rows = PatternedTaughtRows(replace(moments.teacher, variances=reach[None]), n, reach, moments.patterns)
    weights = moments.trainable(features, radius)
    solved = margin_equilibrium(drawn_rows(rows, draws), weights, loss, ridge, intercept)
    state = solved.state
    if members is None:
        spread = weights.scattered(moments.clean, solved.forces, solved.answer)
    else:
        spread = mean_spread(rows, weights, solved, loss_of(loss), draws, members, moments.clean)
    clean = spread[0], jnp.sum(state.overlap)
    found = measured(rows, solved, loss_of(loss), clean, moments.attack is not None)
    wrong, value, support = rows.viewed(state, solved.shift, loss_of(loss), solved.scale)
    return replace(found, train_error=wrong, train_loss=value, support=support)
