"""Linear classifiers trained by a convex loss of the margin on labelled Gaussian groups.

The equilibrium joins two halves (`rfgen.equivalents.margin`): the weights' answer to the forces of the rows
(`margin_equilibrium`), and the forces of rows whose leave-one-out margins are normal, label (M_g + b) + sqrt(q_g) Z
(`margin_losses`).  Unknowns are gamma_g, M_g, q_g, the intercept b and the norm of the weights.  Solved by Newton's
method, followed along the ridge from a large one, where the weights are nearly zero, down to the one asked for.
"""

__all__ = ["MarginClassifier", "margin_classifier", "margin_distribution"]

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_equilibrium import WeightResponse, weight_response
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.ridge_path import RESIDUAL_TOLERANCE, loss_of, ridge_path
from rfgen.numerics.normal_quadrature import normal_nodes
from rfgen.numerics.precision import require_double_precision
from rfgen.numerics.program_maps import sparing_maps
from rfgen.problems.classes.class_groups import ClassMoments


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MarginClassifier:
    """A trained classifier, in the limit; fields per group are (groups,), the others scalars (), or batched by vmap.

    `error`: probability that a fresh row of the group is classified wrongly (against its true class); `train_error`: share
    of training rows whose own label is missed; `train_loss`: their mean loss, unweighted; `support`: share of training
    rows with margin at most 1 (support vectors, for the hinge losses and hard margins).  `norm`: E|trainable weights|^2,
    for a hard margin 1/margin^2; `intercept`; `overlap` M_g = E w.mean_g and `spread` q_g = E w'S_g w; `gamma`: how far
    training on a row moves its own margin, in units of -loss' there.  `pull`, `slope`, `power` (groups,), `nu` and
    `feature_power` fix the law of the weights (`rfgen.theory.weight_law`); `shift` = radius E|w|.  `residual` of the
    equilibrium, and whether it `converged`.
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
    shift: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]
    loss: str = field(metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _State:
    """The unknowns by name."""

    gamma: Any
    overlap: Any
    spread: Any
    intercept: Any
    norm: Any

    @property
    def vector(self) -> Array:
        return jnp.concatenate(
            [jnp.log(self.gamma), self.overlap, jnp.log(self.spread), jnp.stack([self.intercept, jnp.log(self.norm)])]
        )


def _state(x: Array) -> _State:
    groups = (x.size - 2) // 3
    gamma, overlap, spread = jnp.exp(x[:groups]), x[groups : 2 * groups], jnp.exp(x[2 * groups : -2])
    return _State(gamma, overlap, spread, x[-2], jnp.exp(x[-1]))


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def margin_classifier(
    moments: ClassMoments, loss: str, ridge: Any = 0.0, features: Any = jnp.inf, intercept: bool = False,
    radius: Any = 0.0,
) -> MarginClassifier:  # fmt: skip
    """Train on `moments` (of `Mixture.groups(n)` or `ClassGroups`) by `loss`: "square" (1-t)^2/2, "logistic", "hinge",
    "squared_hinge" (1-t)_+^2/2, "hard_margin", or "linear" -t, which averages (no intercept, ridge > 0).

    Minimises `sum_i a_i loss(t_i - radius |w|) + (ridge/2) |w|^2`, t_i = y_i (x_i.w + b); `ridge` >= 0, `features` > 0
    (inf: the inputs themselves), `radius` >= 0 (adversarial training within an l2 ball; not with hard margins) are scalars,
    traceable; `intercept` decides about b.  Ridge 0 is the limit from above: for the hinge losses the largest margin where
    classes are separable.  "hard_margin" takes no ridge; where nothing separates the classes, and where logistic loss has
    no finite minimiser, `converged` is False and the numbers are not to be used.

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
    rows = loss_of(loss)
    moments = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), moments)
    ridge, features, radius = (jnp.asarray(value, jnp.float64) for value in (ridge, features, radius))
    setting = _Setting(moments, features, radius)
    lengths = jnp.sum(jnp.diagonal(moments.overlaps), axis=0)  # |mean|^2 of each group
    x, scale, left = ridge_path(
        partial(_residual, rows, intercept), partial(_start, rows), setting,
        jnp.sum(moments.counts * moments.weights) * (jnp.max(moments.variances) + jnp.max(lengths)),
        jnp.max(moments.variances @ moments.multiplicity), ridge, loss,
    )  # fmt: skip
    return _measured(x, setting, rows, scale, left, loss)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Setting:
    moments: Any
    features: Any
    radius: Any


def _forces(x: Array, setting: _Setting, rows: MarginLoss, scale: Any) -> tuple[Array, Array, Array]:
    """Total force, its square and its slope, of each group; in units of the scale."""
    at, moments = _state(x), setting.moments
    length = jnp.sqrt(at.norm)

    def of_group(count: Any, label: Any, weight: Any, gamma: Any, overlap: Any, spread: Any) -> Any:
        shift = setting.radius * length
        mean, deviation = label * (overlap + at.intercept) - shift, jnp.sqrt(spread)
        gamma = weight * gamma
        margins, measure = normal_nodes(mean, deviation, rows.kinks(gamma, scale))
        force, slope = rows.force(margins, gamma, scale)
        total = count * weight
        return total * (measure @ force), total * weight * (measure @ force**2), total * (measure @ slope)

    given = (moments.counts, moments.labels, moments.weights, at.gamma, at.overlap, at.spread)
    return jax.vmap(of_group)(*given)


def _response(x: Array, setting: _Setting, rows: MarginLoss, scale: Any) -> tuple[Any, ...]:
    """The forces, and the weights' answer to them."""
    force, power, slope = _forces(x, setting, rows, scale)
    moments = setting.moments
    pull = moments.labels * force
    ridge = 1.0 + setting.radius * jnp.sum(force) / jnp.sqrt(_state(x).norm)
    answer = weight_response(
        moments.variances, moments.multiplicity, moments.overlaps, slope, power, pull, ridge, setting.features
    )
    return force, power, slope, pull, answer


def _residual(
    rows: MarginLoss, intercept: bool, setting: _Setting, x: Array, hold: Any, scale: Any
) -> Float[Array, " unknowns"]:  # fmt: skip
    """The equations, each of order 1."""
    at = _state(x)
    _, power, _, pull, answer = _response(x, setting, rows, scale)
    # at least the sum of all |force|, never 0, and smooth where a group has no rows
    strength = jnp.sqrt(jnp.sum(setting.moments.counts) * jnp.sum(power))
    balance = jnp.sum(pull) / strength - hold * at.intercept if intercept else at.intercept
    return jnp.concatenate(
        [
            jnp.log(answer.gamma / at.gamma),
            (answer.along - at.overlap) / jnp.sqrt(at.spread),
            jnp.log(answer.spread / at.spread),
            jnp.stack([balance, jnp.log(answer.norm / at.norm)]),
        ]
    )


def _start(rows: MarginLoss, setting: _Setting, ridge: Array) -> Array:
    """Nearly no weights: the answer to the forces on rows of margin 0."""
    moments = setting.moments
    force = rows.force_at(jnp.zeros(())) / ridge
    total = moments.counts * moments.weights
    answer: WeightResponse = weight_response(
        moments.variances, moments.multiplicity, moments.overlaps, jnp.zeros_like(total),
        total * moments.weights * force**2, moments.labels * total * force, jnp.ones_like(ridge), setting.features,
    )  # fmt: skip
    balance = jnp.sum(moments.counts * moments.labels) / jnp.sum(moments.counts)
    return _State(answer.gamma, answer.along, answer.spread, 0.5 * balance, answer.norm).vector


def margin_distribution(found: MarginClassifier, moments: ClassMoments, margin: Any) -> Float[Array, "*batch groups"]:
    """Share of each group's training rows whose trained margin is at most `margin` (a scalar), (groups,).

    The law has an atom at margin 1 for the hinge loss and for hard margins (at 1 + radius |w| under adversarial training).
    """
    attacked = margin - found.shift
    force = loss_of(found.loss).force_at(attacked)
    # rows on which no force acts stay where they are, however far they could be moved
    moved = jnp.where(force > 0.0, found.gamma * jnp.where(force > 0.0, force, 1.0), 0.0)
    mean = jnp.asarray(moments.labels) * (found.overlap + found.intercept)
    return jax.scipy.stats.norm.cdf((margin - moved - mean) / jnp.sqrt(found.spread))


def _measured(
    x: Array, setting: _Setting, rows: MarginLoss, scale: Any, left: Any, loss: str
) -> MarginClassifier:  # fmt: skip
    """What a user reads, from the unknowns."""
    at, moments = _state(x), setting.moments
    _, power, slope, pull, answer = _response(x, setting, rows, scale)
    shift = setting.radius * jnp.sqrt(at.norm)
    deviation = jnp.sqrt(at.spread)

    def mean_loss(label: Any, weight: Any, gamma: Any, overlap: Any, sd: Any) -> Array:
        gamma = weight * gamma
        margins, measure = normal_nodes(label * (overlap + at.intercept) - shift, sd, rows.kinks(gamma, scale))
        return measure @ rows.value(margins + gamma * rows.force(margins, gamma, scale)[0])

    losses = jax.vmap(mean_loss)(moments.labels, moments.weights, at.gamma, at.overlap, deviation)
    gamma = moments.weights * at.gamma / scale
    found = MarginClassifier(
        error=jax.scipy.stats.norm.cdf(-moments.classes * (at.overlap + at.intercept) / deviation),
        train_error=jnp.zeros_like(gamma), train_loss=losses, support=jnp.zeros_like(gamma), norm=at.norm,
        intercept=at.intercept, overlap=at.overlap, spread=at.spread, gamma=gamma, pull=pull, slope=slope, power=power,
        nu=answer.nu, feature_power=answer.nu**2 * at.norm / setting.features, shift=shift, residual=left,
        converged=left < RESIDUAL_TOLERANCE, loss=loss,
    )  # fmt: skip
    missed, supporting = (margin_distribution(found, moments, margin) for margin in (0.0, 1.0 + shift))
    return replace(found, train_error=missed, support=supporting)
