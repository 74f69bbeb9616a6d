"""Linear classifiers trained on augmented rows with labels from a linear teacher.

The common part of the scores and the teacher's u are jointly normal, as scores are without views.
Equations: theory (10.10), (16.1), (16.2) and (16.3).
"""

__all__ = ["ViewedTeacherMoments", "viewed_teacher", "viewed_teacher_moments"]

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Forces, MarginState, margin_equilibrium
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import PairedForces, mean_spread
from rfgen.equivalents.margin.paired_views import view_forces
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.equivalents.margin.taught_rows import SIGNS, TaughtRows, scored_law
from rfgen.equivalents.margin.viewed_groups import answered, measured_views
from rfgen.equivalents.margin.viewed_rows import Trained, ViewRule, trained_views, view_rule
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.classes.teacher import Teacher
from rfgen.theory.classification.teacher import TeacherClassifier, TeacherMoments, law_of, measured
from rfgen.theory.classification.views.seen import SeenLevels, as_floats, by_levels


@record
class ViewedTeacherMoments(SeenLevels):
    """`teacher`: its label law; parts are the common and the private one, the direction that along which rows pull; `gain`
    of views.
    """

    teacher: TeacherMoments
    gain: Any
    rule: ViewRule | None
    coarse: ViewRule | None


def viewed_teacher_moments(
    teacher: Teacher, law: ModeLaw, views: Any, attack: str | None = None
) -> ViewedTeacherMoments:
    """What the theory needs of a `teacher` whose rows are seen in `views` views of a `law` that treats all modes alike,
    where training is under `attack`: "l2", or "linf".
    """
    gain, slope, level = (float(part[0, 0]) for part in (law.gain, law.slope, law.level))
    shape = np.ones(teacher.dim) if law.shape is None else law.shape
    private = slope * teacher.variances + level * shape
    alone = views == 1.0 or not private.any()
    common = gain**2 * teacher.variances
    trained = (common + private)[None] if alone else np.stack([common, private])
    push = gain * teacher.variances * teacher.direction
    levels = by_levels(trained, teacher.variances[None], push[None], attack)
    labels = TeacherMoments(np.zeros(1), np.zeros(1), np.zeros(1), *law_of(teacher))
    rule = None if alone else view_rule(float(views))
    coarse = None if alone else view_rule(float(views), True)
    return ViewedTeacherMoments(*levels, labels, gain, rule, coarse, attack=attack)


@record
class ViewedTaughtRows(TaughtRows):
    """Rows labelled by the teacher of `moments`, seen in the views of `rule`; `reach`, their largest second moment."""

    reach: Any
    rule: ViewRule
    coarse: ViewRule | None

    @property
    def weight(self) -> Any:
        """Rows times their largest second moment."""
        return self.n * self.reach

    @property
    def way(self) -> "ViewedTaughtRows | None":  # type: ignore[override]
        """The same with coarse means."""
        return None if self.coarse is None else replace(self, rule=self.coarse, coarse=None)

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins lowered by `shift`."""

        def sums(numbers: Array) -> Array:
            def of_label(label: Any) -> Array:
                rows, share, u = self._labelled(label, numbers, loss)
                each = rows.force, rows.force**2, rows.slope, rows.private, rows.private_slope
                shared = [jnp.sum(share * one) for one in each]
                return jnp.stack([*shared, label * shared[0], label * jnp.sum(u * rows.force)])

            return jnp.sum(jax.vmap(of_label)(jnp.asarray(SIGNS)), axis=0)

        at = [*state.gamma, *state.spread, state.overlap[0], state.intercept, shift, scale]
        total, power, slope, private, private_slope, balance, along = self.n * answered(sums, at)
        pull = along + slope * state.overlap[0]
        return Forces(
            pull[None], jnp.stack([power, private]), jnp.stack([slope, private_slope]), total, balance,
            jnp.sqrt(self.n * power),
        )

    def pairs(self, state: MarginState, loss: MarginLoss, scale: Any, draws: tuple[Array, Array]) -> PairedForces:
        """By the teacher's u and the label, which private parts tell nothing of."""
        share, labels, u = self.told(few=True)
        (overlap,), both = state.overlap, jnp.asarray(SIGNS)
        each = jnp.sqrt(state.spread[0]), jnp.sqrt(state.spread[1]), *state.gamma
        kinds = both * state.intercept, *(number * jnp.ones(2) for number in each)
        # a margin is the label times a score
        known = overlap / each[0], (labels * u).reshape(2, -1)
        series = view_forces(loss, self.rule.views, kinds, scale, draws, known)
        one = jnp.ones_like(u)
        scores, private = (one[:, None] * jnp.asarray(part) for part in ((1.0, 0.0), (0.0, 1.0)))
        return PairedForces(
            self.n * share, overlap**2 * one, scores, series[0], *(() if series[1] is None else (private, series[1]))
        )

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows which all pull alike."""
        first = super().first_forces(force)
        return replace(first, power=jnp.concatenate([first.power, first.power / self.rule.views]), slope=jnp.zeros(2))

    def viewed(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> tuple[Array, Array, Array]:
        """Training error, loss and share of support of the views."""
        at = jnp.stack([*state.gamma, *state.spread, state.overlap[0], state.intercept, shift, scale])

        def of_label(label: Any) -> Array:
            rows, share, _ = self._labelled(label, at, loss)
            own = state.gamma[1], jnp.sqrt(state.spread[1])
            return measured_views(loss, self.rule, rows, share, *own, scale, shift)

        error, value, support = jnp.sum(jax.vmap(of_label)(jnp.asarray(SIGNS)), axis=0)
        return error, value, support

    def _labelled(self, label: Any, numbers: Array, loss: MarginLoss) -> tuple[Trained, Array, Array]:
        """Trained rows of one label, their density with it, and the same times E[u | label, score]."""
        gamma, own_gamma, spread, own_spread, overlap, intercept, shift, scale = numbers
        deviation, center = jnp.sqrt(spread), label * intercept - shift
        rows = trained_views(loss, self.rule, (gamma, own_gamma), jnp.sqrt(own_spread), center, deviation, scale)
        score = label * (rows.margin - center)
        density = rows.weight * jax.scipy.stats.norm.pdf(score / deviation) / deviation
        right, moment = scored_law(self.moments, overlap, spread)(score)
        share = jnp.where(label > 0.0, right, 1.0 - right)
        u = jnp.where(label > 0.0, moment, overlap * score / spread - moment)
        return rows, density * share, density * u


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def viewed_teacher(
    moments: ViewedTeacherMoments, n: Any, loss: str, ridge: Any, features: Any = jnp.inf, intercept: bool = False,
    draws: Any = None, members: Any = None, radius: Any = 0.0,
) -> TeacherClassifier:
    """Train on `n` rows of `viewed_teacher_moments(teacher, law, views)`; arguments as in `viewed_classifier`, the errors
    on clean inputs, `train_error`, `train_loss` and `support` of the views.

    Exact as n, dimension and features grow together.  Derived.

    >>> import jax, numpy as np, rfgen
    >>> teacher = rfgen.Teacher(np.ones(100), np.ones(100), link="probit", scale=0.5)
    >>> moments = viewed_teacher_moments(teacher, rfgen.GaussianNoise(0.25).mode_law(100), float("inf"))
    >>> with jax.enable_x64(True):
    ...     found = viewed_teacher(moments, 200, "logistic", 2.0)
    ...     round(float(found.error), 3), bool(found.converged)
    (0.256, True)
    """
    require_double_precision("rfgen.theory.viewed_teacher")
    moments, n, ridge, features = as_floats((moments, n, ridge, features))
    reach = jnp.max(moments.variances)
    labels = replace(moments.teacher, variances=reach[None])
    rows: Any = TaughtRows(labels, n)
    if moments.rule is not None:
        rows = ViewedTaughtRows(labels, n, reach, moments.rule, moments.coarse)
    weights = moments.trainable(features, radius)
    solved = margin_equilibrium(drawn_rows(rows, draws), weights, loss, ridge, intercept)
    if members is None:
        spread = weights.scattered(moments.clean, solved.forces, solved.answer)
    else:
        spread = mean_spread(rows, weights, solved, loss_of(loss), draws, members, moments.clean)
    clean = spread[0], solved.state.overlap[0] / moments.gain
    found = measured(rows, solved, loss_of(loss), clean, moments.attack is not None)
    if moments.rule is None:
        return found
    wrong, value, support = rows.viewed(solved.state, solved.shift, loss_of(loss), solved.scale)
    return replace(found, train_error=wrong, train_loss=value, support=support)
