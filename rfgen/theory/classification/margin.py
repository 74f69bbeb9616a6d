"""Linear classifiers trained by a convex loss of the margin on labelled Gaussian groups.

Equations: theory (10.1), (10.8) and (10.9).
"""

__all__ = ["MarginClassifier", "margin_classifier", "margin_distribution", "measured_margins"]

from dataclasses import field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.labelled_groups import LabelledGroups
from rfgen.equivalents.margin.margin_equilibrium import Equilibrium, Weights, margin_equilibrium
from rfgen.equivalents.margin.paired_rows import mean_spread
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes
from rfgen.problems.classes.class_groups import ClassMoments


@record
class MarginClassifier:
    """A trained classifier, in the limit; fields per group are (groups,), the others scalars (), or batched by vmap.

    `error`: probability that a fresh row of the group is classified wrongly (against its true class); `train_error`: share
    of training rows whose own label is missed; `train_loss`: their mean loss, unweighted; `support`: share of training
    rows with margin at most 1 (support vectors, for the hinge losses and hard margins).  `norm`: E|trainable weights|^2,
    for a hard margin 1/margin^2; `intercept`; `overlap` M_g = E w.mean_g and `spread` q_g = E w'S_g w; `gamma`: how far
    training on a row moves its own margin, in units of -loss' there.  `pull`, `slope`, `power` (groups,), `nu`,
    `feature_power` and `threshold` fix the law of the weights (`rfgen.theory.weight_law`); `shift` = radius E|w|, in the
    norm dual to that of the attack trained for.  `residual` of the equilibrium, and whether it `converged`.
    """

    error: Float[Array, "*batch groups"]
    train_error: Float[Array, "*batch groups"]
    train_loss: Float[Array, "*batch groups"]
    support: Float[Array, "*batch groups"]
    norm: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    overlap: Float[Array, "*batch groups"]
    spread: Float[Array, "*batch groups"]
    gamma: Float[Array, "*batch groups"]
    pull: Float[Array, "*batch groups"]
    slope: Float[Array, "*batch groups"]
    power: Float[Array, "*batch groups"]
    nu: Float[Array, "*batch"]
    feature_power: Float[Array, "*batch"]
    threshold: Float[Array, "*batch"]
    shift: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]
    loss: str = field(metadata={"static": True})


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def margin_classifier(
    moments: ClassMoments, loss: str, ridge: Any = 0.0, features: Any = jnp.inf, intercept: bool = False,
    radius: Any = 0.0, draws: Any = None, members: Any = None,
) -> MarginClassifier:
    """Train on `moments` (of `Mixture.groups(n)` or `ClassGroups`) by `loss`: "square" (1-t)^2/2, "logistic", "hinge",
    "squared_hinge" (1-t)_+^2/2, "hard_margin", or "linear" -t, which averages (no intercept, ridge > 0).

    Minimises `sum_i a_i loss(t_i - radius |w|) + (ridge/2) |w|^2`, t_i = y_i (x_i.w + b); `ridge` >= 0, `features` > 0
    (inf: the inputs themselves), `radius` >= 0 (adversarial training within an l2 ball; not with hard margins) are scalars,
    traceable; `intercept` decides about b.  Ridge 0 is the limit from above: for the hinge losses the largest margin where
    classes are separable.  "hard_margin" takes no ridge; where nothing separates the classes, and where logistic loss has
    no finite minimiser, `converged` is False and the numbers are not to be used.

    `draws` = (times, chances) (draws,): each row counts so often with these chances, as of `rg.Bootstrap().draws()`.
    `members`: the mean score of so many models with features, or draws, of their own; then `spread` and `error` are the
    mean's.  `train_error`, `train_loss` and `support` are not to be used with either.

    First derivatives are right (implicit function theorem).  Exact as counts, dimension and features grow together;
    relative errors at finite size are of order 1/n, more where the error is tiny.  Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[1.5] + [0.0] * 99, covariance=[1.0] * 100, flip=0.1)
    >>> with jax.enable_x64(True):
    ...     found = margin_classifier(mixture.groups(400).moments, "logistic", ridge=10.0)
    >>> round(float(found.error[0]), 4), bool(found.converged)
    (0.156, True)
    """
    require_double_precision("rfgen.theory.margin_classifier")
    moments = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), moments)
    ridge, features, radius = (jnp.asarray(value, jnp.float64) for value in (ridge, features, radius))
    lengths = jnp.sum(jnp.diagonal(moments.overlaps), axis=0)  # |mean|^2 of each group
    rows = LabelledGroups(moments.counts, moments.labels, moments.weights, jnp.max(moments.variances) + jnp.max(lengths))
    weights = Weights(moments.variances, moments.multiplicity, moments.overlaps, features, radius)
    solved = margin_equilibrium(drawn_rows(rows, draws), weights, loss, ridge, intercept)
    found = measured_margins(solved, rows, moments.classes, loss, jnp.zeros_like(radius))
    if members is None:
        return found
    spread = mean_spread(rows, weights, solved, loss_of(loss), draws, members, moments.variances)
    behind = -moments.classes * (found.overlap + found.intercept)
    return replace(found, spread=spread, error=jax.scipy.stats.norm.cdf(behind / jnp.sqrt(spread)))


def margin_distribution(
    found: MarginClassifier, moments: ClassMoments | LabelledGroups, margin: Any
) -> Float[Array, "*batch groups"]:
    """Share of each group's training rows whose trained margin is at most `margin` (a scalar), (groups,).

    The law has an atom at margin 1 for the hinge loss and for hard margins (at 1 + radius |w| under adversarial training).
    """
    return _attacked_distribution(found, moments.labels, margin - found.shift)


def _attacked_distribution(found: MarginClassifier, labels: Any, attacked: Any) -> Float[Array, "*batch groups"]:
    """The same of margins under attack: at their atom, which a sum of two numbers may miss on either side."""
    force = loss_of(found.loss).force_at(jnp.asarray(attacked))
    # rows on which no force acts stay where they are, however far they could be moved
    moved = jnp.where(force > 0.0, found.gamma * jnp.where(force > 0.0, force, 1.0), 0.0)
    mean = jnp.asarray(labels) * (found.overlap + found.intercept)
    return jax.scipy.stats.norm.cdf((attacked + found.shift - moved - mean) / jnp.sqrt(found.spread))


def measured_margins(
    solved: Equilibrium, rows: LabelledGroups, classes: Any, loss: str, threshold: Any
) -> MarginClassifier:
    """What a user reads of an equilibrium on labelled groups with true `classes`, (groups,)."""
    state, forces, named = solved.state, solved.forces, loss_of(loss)

    def mean_loss(mean: Any, deviation: Any, gamma: Any) -> Array:
        margins, measure = normal_nodes(mean, deviation, named.kinks(gamma, solved.scale))
        return measure @ named.value(margins + gamma * named.force(margins, gamma, solved.scale)[0])

    gamma = rows.weights * state.gamma / solved.scale
    found = MarginClassifier(
        error=jax.scipy.stats.norm.cdf(-classes * (state.overlap + state.intercept) / jnp.sqrt(state.spread)),
        train_error=jnp.zeros_like(gamma), train_loss=jax.vmap(mean_loss)(*rows.margins(state, solved.shift)),
        support=jnp.zeros_like(gamma), norm=solved.answer.norm, intercept=state.intercept, overlap=state.overlap,
        spread=state.spread, gamma=gamma, pull=forces.pull, slope=forces.slope, power=forces.power, nu=solved.answer.nu,
        feature_power=solved.answer.feature_power, threshold=threshold, shift=solved.shift, residual=solved.residual,
        converged=solved.converged, loss=loss,
    )
    missed, supporting = (_attacked_distribution(found, rows.labels, margin) for margin in (-solved.shift, 1.0))
    return replace(found, train_error=missed, support=supporting)
