"""Linear classifiers trained on augmented rows: a loss of the margin, averaged over the views of each row.

Equations: theory (16.1), (16.2) and (16.3).
"""

__all__ = [
    "SeenMoments", "ViewedClassifier", "ViewedMoments", "by_levels", "clean_spread", "kinds_of_rows", "viewed_classifier",
    "viewed_moments",
]

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_equilibrium import Weights, margin_equilibrium
from rfgen.equivalents.margin.paired_rows import mean_spread
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.equivalents.margin.viewed_groups import ViewedGroups
from rfgen.equivalents.margin.viewed_rows import ViewRule, view_rule
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.classes.class_groups import ClassGroups

LEAST_LEVELS, PADDING = 64, 32


@dataclass(frozen=True)
class SeenMoments:
    """Groups seen in views, by levels of coordinates; groups whose means are opposite, or covariances alike, share them.

    `shares`, `labels`, `weights`, `sign`, `direction`, `covariance` of the rows, (kinds,); `group_sign`,
    `group_direction`, `group_covariance` and `classes` of the groups, (groups,); `variances` (parts, levels) of what views
    see, `clean` (covariances, levels) of clean inputs, `multiplicity` (levels,), `overlaps` (directions, directions,
    levels) of the means of views.
    """

    shares: Any
    labels: Any
    weights: Any
    sign: Any
    direction: Any
    covariance: Any
    group_sign: Any
    group_direction: Any
    group_covariance: Any
    classes: Any
    variances: Any
    clean: Any
    multiplicity: Any
    overlaps: Any


@record
class ViewedMoments(SeenMoments):
    """Parts of `variances`: covariances of common parts, then of private ones; `gain`: means of views are this times the
    clean ones; `rule` of the views, None for one, and `coarse`, for the way.
    """

    gain: Any
    rule: ViewRule | None
    coarse: ViewRule | None


def viewed_moments(groups: ClassGroups, law: ModeLaw, views: Any, intercept: bool = False) -> ViewedMoments:
    """What the theory needs of `groups` seen in `views` views of a `law` of one pattern that treats all modes alike.

    Without `intercept` a row and its mirror image, of the other label, say the same.
    """
    gain, slope, level = (float(part[0, 0]) for part in (law.gain, law.slope, law.level))
    shape = np.ones(groups.dim) if law.shape is None else law.shape
    seconds = groups.variances + groups.means**2
    common, private = gain**2 * groups.variances, slope * seconds + level * shape
    lead = np.where(groups.means[np.arange(groups.groups), np.argmax(groups.means != 0.0, axis=1)] < 0.0, -1.0, 1.0)
    means, direction = np.unique(lead[:, None] * groups.means, axis=0, return_inverse=True)
    parts = np.stack([groups.variances, common, private], axis=1).reshape(groups.groups, -1)
    kinds, covariance = np.unique(parts, axis=0, return_inverse=True)
    clean, common, private = np.moveaxis(kinds.reshape(-1, 3, groups.dim), 1, 0)
    alone = views == 1.0 or not private.any()
    trained = common + private if alone else np.concatenate([common, private])
    levels, count, overlaps = by_levels(np.concatenate([trained, clean]), gain * means)
    rule = None if alone else view_rule(float(views))
    coarse = None if alone else view_rule(float(views), True)
    direction, covariance = np.ravel(direction), np.ravel(covariance)
    return ViewedMoments(
        *kinds_of_rows(groups, lead, direction, covariance, intercept), lead, direction, covariance,
        groups.classes, levels[: len(trained)], levels[len(trained) :], count, overlaps, gain, rule, coarse,
    )


def kinds_of_rows(
    groups: ClassGroups, lead: np.ndarray, direction: np.ndarray, covariance: np.ndarray, intercept: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shares, labels, weights, signs, directions and covariances of the rows of `groups`, those alike put together.

    Without `intercept` a row and its mirror image, of the other label, say the same.
    """
    mirrored = (groups.labels, lead) if intercept else (groups.labels * lead, np.ones(groups.groups))
    kinds, kind = np.unique(np.stack([*mirrored, groups.weights, direction, covariance]), axis=1, return_inverse=True)
    shares = np.bincount(np.ravel(kind), groups.counts, kinds.shape[1]) / groups.counts.sum()
    labels, sign, weights, *_ = kinds[:, shares > 0.0]
    toward, spread = kinds[3:, shares > 0.0].astype(int)
    return shares[shares > 0.0], labels, weights, sign, toward, spread


def by_levels(columns: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different `columns` (variances, coordinates), how many coordinates have each, and products of `directions` there."""
    levels, place = np.unique(columns, axis=1, return_inverse=True)
    place = np.ravel(place)
    products = directions[:, None, :] * directions[None, :, :]
    overlaps = np.zeros((*products.shape[:2], levels.shape[1]))
    np.add.at(overlaps.transpose(2, 0, 1), place, products.transpose(2, 0, 1))
    count = np.bincount(place, minlength=levels.shape[1]).astype(float)
    empty = max(LEAST_LEVELS, count.size + -count.size % PADDING) - count.size  # nearly all problems compile once
    levels, count, overlaps = (
        np.concatenate([part, np.zeros((*part.shape[:-1], empty))], axis=-1) for part in (levels, count, overlaps)
    )
    return levels, count, overlaps


@record
class ViewedClassifier:
    """A trained classifier, in the limit: as `MarginClassifier`, `error`, `overlap` and `spread` (groups,) on clean inputs;
    `train_error`, `train_loss` and `support` of the views, means over all rows.
    """

    error: Float[Array, "*batch groups"]
    train_error: Float[Array, "*batch"]
    train_loss: Float[Array, "*batch"]
    support: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    overlap: Float[Array, "*batch groups"]
    spread: Float[Array, "*batch groups"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]
    loss: str = field(metadata={"static": True})


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def viewed_classifier(
    moments: ViewedMoments, n: Any, loss: str, ridge: Any, features: Any = jnp.inf, intercept: bool = False,
    draws: Any = None, members: Any = None,
) -> ViewedClassifier:
    """Train on `n` rows of `viewed_moments(groups, law, views)`: minimise `sum_i a_i mean_k loss(t_ik) + (ridge/2) |w|^2`
    over all views k of each row; `draws`, and of single views `members`, as in `margin_classifier`.

    `loss` as in `margin_classifier`, hard margins aside; `n`, `ridge` >= 0, `features` > 0 scalars, traceable.  Exact as n,
    dimension and features grow together, and many coordinates change independently in a view.  Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[0.15] * 100, covariance=[1.0] * 100, flip=0.1)
    >>> moments = viewed_moments(mixture.groups(200), rfgen.GaussianNoise(0.25).mode_law(100), float("inf"))
    >>> with jax.enable_x64(True):
    ...     found = viewed_classifier(moments, 200, "logistic", 5.0)
    ...     round(float(found.error[0]), 3), bool(found.converged)
    (0.174, True)
    """
    require_double_precision("rfgen.theory.viewed_classifier")
    moments = jax.tree.map(
        lambda leaf: leaf if jnp.issubdtype(leaf.dtype, jnp.integer) else jnp.asarray(leaf, jnp.float64), moments
    )
    n, ridge, features = (jnp.asarray(value, jnp.float64) for value in (n, ridge, features))
    directions, covariances = moments.overlaps.shape[0], moments.clean.shape[0]
    lengths = jnp.sum(jnp.diagonal(moments.overlaps), axis=0)
    rows = ViewedGroups(
        n * moments.shares, moments.labels, moments.weights, moments.sign, moments.direction, moments.covariance,
        jnp.max(moments.variances) + jnp.max(lengths), moments.rule, moments.coarse, directions, covariances,
    )
    zero = jnp.zeros_like(ridge)
    weights = Weights(moments.variances, moments.multiplicity, moments.overlaps, features, zero)
    solved = margin_equilibrium(drawn_rows(rows, draws), weights, loss, ridge, intercept)
    state, answer = solved.state, solved.answer
    wrong, value, support = rows.measured(state, zero, loss_of(loss), solved.scale)
    if members is None:
        spread = clean_spread(moments, solved)[moments.group_covariance]
    else:
        clean = moments.clean
        spread = mean_spread(rows, weights, solved, loss_of(loss), draws, members, clean)[moments.group_covariance]
    overlap = moments.group_sign * state.overlap[moments.group_direction] / moments.gain
    error = jax.scipy.stats.norm.cdf(-moments.classes * (overlap + state.intercept) / jnp.sqrt(spread))
    return ViewedClassifier(
        error=error, train_error=wrong, train_loss=value, support=support, norm=answer.norm, intercept=state.intercept,
        overlap=overlap, spread=spread, residual=solved.residual, converged=solved.converged, loss=loss,
    )


def clean_spread(moments: Any, solved: Any) -> Array:
    """Variance of the scores of clean inputs, of each covariance (covariances,)."""
    forces, answer = solved.forces, solved.answer
    resolvent = 1.0 / (forces.slope @ moments.variances + answer.nu)
    lengths = jnp.einsum("d,del,e->l", forces.pull, moments.overlaps, forces.pull)
    power = forces.power @ moments.variances + answer.feature_power
    return moments.clean @ ((lengths + moments.multiplicity * power) * resolvent**2)
