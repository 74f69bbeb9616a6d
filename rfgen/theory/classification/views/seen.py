"""What all classifiers of views share: what views see of the coordinates, kinds of rows, and what a user reads.

Equations: theory (18.6).
"""

__all__ = ["SeenLevels", "SeenMoments", "ViewedClassifier", "as_floats", "by_levels", "directed", "kinds_of_rows", "shown"]

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_equilibrium import Equilibrium, SparseWeights, Weights
from rfgen.numerics.compilation.record import record
from rfgen.problems.classes.class_groups import ClassGroups

LEAST_LEVELS, PADDING = 64, 32


@dataclass(frozen=True)
class SeenLevels:
    """Levels of coordinates: `variances` (parts, levels) of what views see, `clean` (covariances, levels) of clean inputs,
    `multiplicity` (levels,), `overlaps` (directions, directions, levels) of the directions along which views pull.

    Under an `attack` "linf" each coordinate is a level, and `overlaps` (directions, levels) are the directions themselves.
    """

    variances: Any
    clean: Any
    multiplicity: Any
    overlaps: Any
    attack: str | None = field(default=None, kw_only=True, metadata={"static": True})

    @property
    def lengths(self) -> Array:
        """Squared lengths of the directions, (directions,)."""
        own = self.overlaps**2 if self.attack == "linf" else jnp.diagonal(self.overlaps).T
        return jnp.sum(own, axis=-1)

    def trainable(self, features: Any, radius: Any = 0.0) -> Weights | SparseWeights:
        """Weights of so many `features`, or of the inputs; under the attack, if any, within `radius`."""
        radius = jnp.asarray(radius, jnp.float64) if self.attack else jnp.zeros(())
        if self.attack == "linf":
            return SparseWeights(self.variances, self.overlaps, radius)
        return Weights(self.variances, self.multiplicity, self.overlaps, features, radius)


@dataclass(frozen=True)
class SeenMoments(SeenLevels):
    """Groups seen in views; those whose means are opposite, or covariances alike, share them.

    `shares`, `labels`, `weights`, `sign`, `direction`, `covariance` of the rows, (kinds,); `group_sign`,
    `group_direction`, `group_covariance` and `classes` of the groups, (groups,).
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


def as_floats(moments: Any) -> Any:
    """The same in double precision, arrays of places left alone."""

    def as_float(leaf: Any) -> Any:
        places = jnp.ndim(leaf) > 0 and jnp.issubdtype(jnp.result_type(leaf), jnp.integer)
        return leaf if places else jnp.asarray(leaf, jnp.float64)

    return jax.tree.map(as_float, moments)


def directed(groups: ClassGroups) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different means of `groups` up to their signs, (directions, dim), and sign and place of each group's, (groups,)."""
    lead = np.where(groups.means[np.arange(groups.groups), np.argmax(groups.means != 0.0, axis=1)] < 0.0, -1.0, 1.0)
    means, direction = np.unique(lead[:, None] * groups.means, axis=0, return_inverse=True)
    return means, lead, np.ravel(direction)


def kinds_of_rows(
    groups: ClassGroups, lead: np.ndarray, direction: np.ndarray, covariance: np.ndarray, intercept: bool
) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any, Any]:
    """Shares, labels, weights, signs, directions and covariances of the rows of `groups`, those alike put together; sign,
    direction, covariance and class of each group.

    Without `intercept` a row and its mirror image, of the other label, say the same.
    """
    mirrored = (groups.labels, lead) if intercept else (groups.labels * lead, np.ones(groups.groups))
    kinds, kind = np.unique(np.stack([*mirrored, groups.weights, direction, covariance]), axis=1, return_inverse=True)
    shares = np.bincount(np.ravel(kind), groups.counts, kinds.shape[1]) / groups.counts.sum()
    labels, sign, weights, *_ = kinds[:, shares > 0.0]
    toward, spread = kinds[3:, shares > 0.0].astype(int)
    return shares[shares > 0.0], labels, weights, sign, toward, spread, lead, direction, covariance, groups.classes


def by_levels(
    trained: np.ndarray, clean: np.ndarray, directions: np.ndarray, attack: str | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The fields of `SeenLevels`, from variances (parts, dim), (covariances, dim) and directions (directions, dim)."""
    columns = np.concatenate([trained, clean])
    if attack == "linf":
        levels, count, overlaps = columns, np.ones(columns.shape[1]), directions
    else:
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
    return levels[: len(trained)], levels[len(trained) :], count, overlaps


@record
class ViewedClassifier:
    """A trained classifier, in the limit: as `MarginClassifier`, `error`, `overlap` and `spread` (groups,) on clean inputs;
    `train_error`, `train_loss` and `support` of the views, means over all rows; `shift`, by which the attack that was
    trained for lowers margins.
    """

    error: Float[Array, "*batch groups"]
    train_error: Float[Array, "*batch"]
    train_loss: Float[Array, "*batch"]
    support: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    overlap: Float[Array, "*batch groups"]
    spread: Float[Array, "*batch groups"]
    shift: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]
    loss: str = field(metadata={"static": True})


def shown(
    moments: SeenMoments, solved: Equilibrium, overlap: Any, spread: Any, of_views: tuple[Any, Any, Any], loss: str
) -> ViewedClassifier:
    """What a user reads of an equilibrium on rows of `moments`: `overlap` (directions,) and `spread` (covariances,) of the
    scores of clean inputs; `of_views`: their error, loss and share of support.
    """
    overlap, spread = moments.group_sign * overlap[moments.group_direction], spread[moments.group_covariance]
    wrong, value, support = of_views
    return ViewedClassifier(
        error=jax.scipy.stats.norm.cdf(-moments.classes * (overlap + solved.state.intercept) / jnp.sqrt(spread)),
        train_error=wrong, train_loss=value, support=support, norm=solved.answer.norm, intercept=solved.state.intercept,
        overlap=overlap, spread=spread, shift=solved.shift, residual=solved.residual, converged=solved.converged, loss=loss,
    )
