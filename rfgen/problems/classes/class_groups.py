"""Labelled Gaussian groups: every group has a mean, a covariance, a training label and a number of rows."""

__all__ = ["ClassGroups", "ClassMoments"]

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from rfgen.numerics.compression import compress
from rfgen.problems import validation

LEAST_LEVELS, PADDING = 192, 32


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ClassMoments:
    """What the theory needs of groups: sums over levels of coordinates, compressed where all groups share a covariance.

    `counts`, `labels` (training), `classes` (true), `weights` (of the loss), each (groups,); `variances` (groups, levels);
    `multiplicity` (levels,), coordinates in a level; `overlaps` (groups, groups, levels), inner products of the group
    means within a level.
    """

    counts: Float[Array, "*batch groups"] | Any
    labels: Any
    classes: Any
    weights: Any
    variances: Any
    multiplicity: Any
    overlaps: Any


@dataclass(frozen=True, eq=False)
class ClassGroups:
    """Group g: `counts[g]` rows x ~ N(means[g], diag(variances[g])), trained with the label `labels[g]`, +1 or -1.

    `counts` (groups,), numbers >= 0: a group without rows is only tested on.  `means` (groups, dim); `variances` (dim,),
    shared by all groups, or (groups, dim); coordinates are common eigenvectors of all covariances.  `weights` (groups,) > 0
    multiply the loss of each row (importance weights).  `classes` (groups,): the true class, where the training label is
    wrong (default: the label).

    Two classes with a core and a spurious feature, of which the spurious one mostly agrees with the label:

    >>> import numpy as np
    >>> core, spurious = np.eye(2, 50) * [[1.0], [2.0]]
    >>> signs = [(y, a) for y in (1, -1) for a in (1, -1)]
    >>> groups = ClassGroups(
    ...     counts=[90, 10, 10, 90], labels=[y for y, a in signs], means=[y * core + a * spurious for y, a in signs],
    ...     variances=np.ones(50),
    ... )
    >>> groups.dim
    50
    """

    counts: Any
    labels: Any
    means: Any
    variances: Any
    weights: Any = None
    classes: Any = None

    def __post_init__(self) -> None:
        """Validate and freeze."""
        counts = validation.non_negative("counts", self.counts, 1)
        means = validation.array("means", self.means, 2)
        groups, dim = counts.size, means.shape[1]
        if means.shape[0] != groups:
            raise ValueError(f"means must have one row per group ({groups}), got shape {means.shape}")
        if counts.sum() <= 0:
            raise ValueError("counts must hold at least one row to train on, got none")
        variances = validation.non_negative("variances", self.variances, (1, 2))
        if variances.shape not in ((dim,), (groups, dim)):
            raise ValueError(
                f"variances must have one entry per coordinate ({dim}), or so for each of {groups} groups, got shape "
                f"{variances.shape}"
            )
        if not np.atleast_2d(variances).any(axis=1).all():
            raise ValueError("variances must not all be zero, in no group")
        labels = _signs("labels", self.labels, groups)
        classes = labels if self.classes is None else _signs("classes", self.classes, groups)
        weights = np.ones(groups) if self.weights is None else validation.positive("weights", self.weights, 1)
        if weights.size != groups:
            raise ValueError(f"weights must have one entry per group ({groups}), got {weights.size}")
        frozen = {
            "counts": counts, "labels": labels, "means": means, "classes": classes, "weights": weights,
            "variances": np.broadcast_to(variances, means.shape),
        }  # fmt: skip
        for name, value in frozen.items():
            value = value.copy()
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.means.shape[1]

    @property
    def groups(self) -> int:
        """Number of groups."""
        return self.counts.size

    @cached_property
    def moments(self) -> ClassMoments:
        """The record that the theory takes."""
        overlaps = self.means[:, None, :] * self.means[None, :, :]
        if (self.variances == self.variances[0]).all():
            multiplicity, overlaps, shared = _compressed(self.variances[0], overlaps)
            variances = np.broadcast_to(shared, (self.groups, shared.size)).copy()
        else:
            levels, place = np.unique(self.variances, axis=1, return_inverse=True)
            place = np.ravel(place)
            variances, multiplicity = levels, np.bincount(place, minlength=levels.shape[1]).astype(float)
            order = np.argsort(place, kind="stable")
            starts = np.searchsorted(place[order], np.arange(levels.shape[1]))
            overlaps = np.add.reduceat(overlaps[..., order], starts, axis=-1)
        # empty levels: nearly all problems compile once
        empty = max(LEAST_LEVELS, multiplicity.size + -multiplicity.size % PADDING) - multiplicity.size
        variances, multiplicity, overlaps = (
            np.concatenate([part, np.zeros((*part.shape[:-1], empty))], axis=-1)
            for part in (variances, multiplicity, overlaps)
        )
        return ClassMoments(self.counts, self.labels, self.classes, self.weights, variances, multiplicity, overlaps)


def _compressed(variances: np.ndarray, overlaps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Multiplicity, overlaps and variances on the nodes of one shared spectrum; zero variances stay a level."""
    groups = overlaps.shape[0]
    rows = np.concatenate([np.ones((1, variances.size)), overlaps.reshape(-1, variances.size)])
    order = np.argsort(-variances, kind="stable")
    values, rows = variances[order], rows[:, order]
    positive = values >= np.finfo(np.float64).tiny
    nodes, weights, _ = compress(values[positive], rows[:, positive])
    if not positive.all():
        nodes = np.append(nodes, 0.0)
        weights = np.concatenate([weights, rows[:, ~positive].sum(axis=1, keepdims=True)], axis=1)
    return weights[0], weights[1:].reshape(groups, groups, -1), nodes


def _signs(name: str, value: Any, groups: int) -> np.ndarray:
    signs = validation.array(name, value)
    if signs.size != groups:
        raise ValueError(f"{name} must have one entry per group ({groups}), got {signs.size}")
    if (np.abs(signs) != 1).any():
        raise ValueError(f"{name} must be +1 or -1, got {signs.tolist()}")
    return signs
