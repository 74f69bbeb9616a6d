"""Linear classifiers trained on mixtures of all pairs of rows: Mixup, in the mean field.

Equations: theory (18.1) and (18.2).
"""

__all__ = ["MixedMoments", "MixedTeacherMoments", "mixed_classifier", "mixed_moments", "mixed_teacher"]

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Forces, MarginState, margin_equilibrium
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.mixed_rows import MixedNodes, MixedRows, mixed_nodes, pair_means, trained_mixtures
from rfgen.equivalents.margin.ridge_path import HARD, loss_of
from rfgen.equivalents.margin.taught_rows import SIGNS, TaughtRows, label_law, scored_law
from rfgen.equivalents.margin.viewed_groups import SeenRows
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.teacher import Teacher
from rfgen.theory.classification.teacher import TeacherClassifier, measured
from rfgen.theory.classification.views.seen import ViewedClassifier, as_floats, shown
from rfgen.theory.classification.views.viewed import ViewedMoments, viewed_moments
from rfgen.theory.classification.views.viewed_teacher import ViewedTeacherMoments, viewed_teacher_moments


@record
class MixedMoments:
    """`rows`, groups that are seen once; `nodes`, `coarse`, `dense` of mixtures."""

    rows: ViewedMoments
    nodes: MixedNodes
    coarse: MixedNodes
    dense: MixedNodes


@record
class MixedTeacherMoments:
    """The same of the rows of a teacher."""

    rows: ViewedTeacherMoments
    nodes: MixedNodes
    coarse: MixedNodes
    dense: MixedNodes


def mixed_moments(task: ClassGroups | Teacher, concentration: Any) -> MixedMoments | MixedTeacherMoments:
    """What the theory needs of a `task` whose rows are mixed, weights from Beta(`concentration`, `concentration`)."""
    nodes = [mixed_nodes(float(concentration), kind) for kind in ("fine", "coarse", "dense")]
    if isinstance(task, Teacher):
        return MixedTeacherMoments(viewed_teacher_moments(task, ModeLaw.of(), 1.0), *nodes)
    # a row and its mirror image meet other partners
    return MixedMoments(viewed_moments(task, ModeLaw.of(), 1.0, intercept=True), *nodes)


def _first(nodes: MixedNodes, labels: Array, weights: Array, measure: Array, force: Any) -> Array:
    """Forces on rows that all have score 0."""
    square, cross = nodes.chances @ nodes.weights**2, nodes.chances @ (nodes.weights * (1.0 - nodes.weights))
    together = weights[:, None] + weights
    return force * ((together * (square * labels[:, None] + cross * labels)) @ measure)


@record
class MixedGroups(SeenRows):
    """Groups whose rows are mixed; `covariances` of them as ones, (covariances, kinds), and `directions` with signs."""

    nodes: MixedNodes
    coarse: MixedNodes | None
    covariances: Any
    directions: Any

    @property
    def way(self) -> "MixedGroups | None":
        """The same with coarse means."""
        return None if self.coarse is None else replace(self, nodes=self.coarse, coarse=None)

    @property
    def _shares(self) -> Array:
        return self.counts / jnp.sum(self.counts)

    def trained(self, state: MarginState, loss: MarginLoss, scale: Any) -> tuple[MixedRows, Array, Array]:
        """The rows, their trained scores and their forces."""
        nodes = self.nodes
        middle = self.sign * state.overlap[self.direction] + state.intercept
        om = middle[:, None] + jnp.sqrt(state.spread[self.covariance])[:, None] * nodes.places
        each = (self.labels, self.weights, state.gamma[self.covariance])
        labels, weights, gamma = (jnp.repeat(part, nodes.places.size) for part in each)
        rows = MixedRows(om.ravel(), labels, weights, gamma, (self._shares[:, None] * nodes.measure).ravel())
        return (rows, *trained_mixtures(loss, nodes, rows, scale))

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins."""
        del shift
        force = self.trained(state, loss, scale)[2].reshape(self.counts.size, -1)
        # by Stein's lemma: losses may have kinks
        slope = -(force @ (self.nodes.measure * self.nodes.places)) / jnp.sqrt(state.spread[self.covariance])
        return self._summed(force @ self.nodes.measure, force**2 @ self.nodes.measure, slope)

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows of score 0."""
        mean = _first(self.nodes, self.labels, self.weights, self._shares, force)
        return self._summed(mean, mean**2, jnp.zeros_like(mean))

    def _summed(self, force: Array, power: Array, slope: Array) -> Forces:
        power, force = self.counts * power, self.counts * force
        strength = jnp.sqrt(jnp.sum(self.counts) * jnp.sum(power))
        return Forces(
            self.directions @ force, self.covariances @ power, self.covariances @ (self.counts * slope),
            jnp.sum(self.labels * force), jnp.sum(force), strength,
        )


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def mixed_classifier(
    moments: MixedMoments, n: Any, loss: str, ridge: Any, features: Any = jnp.inf, intercept: bool = False,
    draws: None = None,
) -> ViewedClassifier:
    """Train on all pairs of `n` rows of `mixed_moments(groups, concentration)`, mixed with their labels.

    Minimises `sum_i E_w mean_j loss(w x_i + (1 - w) x_j) + (ridge/2) |w|^2`, the loss of a mixture that of its score with
    either label, at the probabilities whose mean is w y_i + (1 - w) y_j.  Other arguments and fields as in
    `viewed_classifier`; not the hinge, whose forces jump.  Exact as n, dimension and features grow together.  Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[0.15] * 100, covariance=[1.0] * 100, flip=0.1)
    >>> with jax.enable_x64(True):
    ...     found = mixed_classifier(mixed_moments(mixture.groups(200), 1.0), 200, "square", 5.0)
    ...     bool(found.converged)
    True
    """
    del draws
    _refuse(loss, "mixed_classifier")
    moments, n, ridge, features = as_floats((moments, n, ridge, features))
    seen = moments.rows
    covariances = jax.nn.one_hot(seen.covariance, seen.clean.shape[0], dtype=jnp.float64).T
    directions = jax.nn.one_hot(seen.direction, seen.overlaps.shape[0], dtype=jnp.float64).T * seen.sign
    rows = MixedGroups(
        n * seen.shares, seen.labels, seen.weights, seen.sign, seen.direction, seen.covariance,
        jnp.max(seen.variances) + jnp.max(seen.lengths), moments.nodes, moments.coarse, covariances, directions,
    )
    weights = seen.trainable(features)
    solved, named = margin_equilibrium(rows, weights, loss, ridge, intercept), loss_of(loss)
    trained, t, _ = replace(rows, nodes=moments.dense).trained(solved.state, named, solved.scale)
    spread = weights.scattered(seen.clean, solved.forces, solved.answer)
    return shown(seen, solved, solved.state.overlap, spread, pair_means(named, moments.dense, trained, t), loss)


@record
class MixedTaughtRows(TaughtRows):
    """Rows labelled by the teacher of `moments`, mixed."""

    nodes: MixedNodes
    coarse: MixedNodes | None

    @property
    def way(self) -> "MixedTaughtRows | None":  # type: ignore[override]
        """The same with coarse means."""
        return None if self.coarse is None else replace(self, nodes=self.coarse, coarse=None)

    def trained(
        self, state: MarginState, loss: MarginLoss, scale: Any
    ) -> tuple[tuple[MixedRows, Array, Array], Array, Array]:
        """Rows, trained scores and forces; E[u; label] times the measure, and left-out scores without the intercept."""
        nodes, overlap, spread = self.nodes, state.overlap[0], state.spread[0]
        score = jnp.sqrt(spread) * nodes.places
        right, moment = scored_law(self.moments, overlap, spread)(score)
        shares = jnp.concatenate([right, 1.0 - right])
        u = jnp.concatenate([moment, overlap * score / spread - moment])
        both, measure = jnp.tile(score, 2), jnp.tile(nodes.measure, 2)
        labels = jnp.repeat(jnp.asarray(SIGNS), nodes.places.size)
        full = jnp.ones_like(labels)
        rows = MixedRows(both + state.intercept, labels, full, state.gamma[0] * full, measure * shares)
        return (rows, *trained_mixtures(loss, nodes, rows, scale)), measure * u, both

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins."""
        del shift
        (rows, _, force), u, score = self.trained(state, loss, scale)
        overlap, spread = state.overlap[0], state.spread[0]
        mean, power, along = rows.measure @ force, rows.measure @ force**2, u @ force
        # by Stein's lemma, for scores and the teacher's u at once
        slope = (overlap * along - rows.measure @ (force * score)) / (spread - overlap**2)
        pull = along + slope * overlap
        sums = pull[None], power[None], slope[None], mean, mean, jnp.sqrt(power)
        return Forces(*(self.n * each for each in sums))

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows of score 0."""
        right, moment = label_law(self.moments, jnp.zeros(()), jnp.ones(()), jnp.zeros(1))
        shares, one = jnp.stack([right[0], 1.0 - right[0]]), jnp.ones(2)
        each = _first(self.nodes, jnp.asarray(SIGNS), one, shares, force)
        mean, power = shares @ each, shares @ each**2
        sums = moment * (each[0] - each[1]), power[None], jnp.zeros(1), mean, mean, jnp.sqrt(power)
        return Forces(*(self.n * part for part in sums))


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def mixed_teacher(
    moments: MixedTeacherMoments, n: Any, loss: str, ridge: Any, features: Any = jnp.inf, intercept: bool = False,
    draws: None = None,
) -> TeacherClassifier:
    """Train on all pairs of `n` rows of `mixed_moments(teacher, concentration)`; as `mixed_classifier`, fields as in
    `teacher_classifier`, `train_error`, `train_loss` and `support` of the mixtures.  Derived.

    >>> import jax, numpy as np, rfgen
    >>> teacher = rfgen.Teacher(np.ones(100), np.ones(100), link="probit", scale=0.5)
    >>> with jax.enable_x64(True):
    ...     bool(mixed_teacher(mixed_moments(teacher, 1.0), 200, "logistic", 2.0).converged)
    True
    """
    del draws
    _refuse(loss, "mixed_teacher")
    moments, n, ridge, features = as_floats((moments, n, ridge, features))
    seen = moments.rows
    reach = jnp.max(seen.variances)
    rows = MixedTaughtRows(replace(seen.teacher, variances=reach[None]), n, moments.nodes, moments.coarse)
    weights = seen.trainable(features)
    solved, named = margin_equilibrium(rows, weights, loss, ridge, intercept), loss_of(loss)
    clean = weights.scattered(seen.clean, solved.forces, solved.answer)[0], solved.state.overlap[0]
    found = measured(rows, solved, named, clean)
    (trained, t, _), *_ = replace(rows, nodes=moments.dense).trained(solved.state, named, solved.scale)
    wrong, value, support = pair_means(named, moments.dense, trained, t)
    return replace(found, train_error=wrong, train_loss=value, support=support)


def _refuse(loss: str, name: str) -> None:
    require_double_precision(f"rfgen.theory.{name}")
    if loss in (HARD, "hinge"):
        raise ValueError(f"loss must have no jumps in its force on mixtures of rows, got {loss!r}: take 'hinge(1.0)'")
