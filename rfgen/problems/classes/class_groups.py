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


@dataclass(frozen=True, eq=False, repr=False)
class ClassGroups:
    """Group g: `counts[g]` rows x ~ N(means[g], diag(variances[g])), trained with the label `labels[g]`, +1 or -1.

    `counts` (groups,), numbers >= 0; the `n` of a verb keeps their proportions.  A group without rows is only tested on, if
    `test_shares` (groups,) say so: the shares of the groups in the test (default: those of `counts`).  `means` (groups,
    dim); `variances` (dim,), shared by all groups, or (groups, dim); coordinates are common eigenvectors of all
    covariances.  `weights` (groups,) > 0 multiply the loss of each row (importance weights).  `classes` (groups,): the true
    class, where the training label is wrong (default: the label).

    A class tested on where it has moved:

    >>> import numpy as np
    >>> mean, moved = np.eye(2, 50)
    >>> ClassGroups([90, 60, 0], [1, -1, 1], [mean, -mean, mean + moved], np.ones(50), test_shares=[0, 0.4, 0.6])
    ClassGroups(counts=[90.0, 60.0, 0.0], dim=50)
    """

    counts: Any
    labels: Any
    means: Any
    variances: Any
    weights: Any = None
    classes: Any = None
    test_shares: Any = None

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
        shares = counts if self.test_shares is None else validation.non_negative("test_shares", self.test_shares, 1)
        if shares.size != groups or shares.sum() <= 0:
            raise ValueError(f"test_shares must have one entry per group ({groups}), not all 0, got {shares.tolist()}")
        frozen = {
            "test_shares": shares / shares.sum(),
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

    @classmethod
    def spurious(
        cls, core: Any, spurious: Any, variances: Any, agreement: Any = 0.9, weights: Any = None, test_shares: Any = None
    ) -> "ClassGroups":
        """A core and a spurious feature: x ~ N(y core + a spurious, variances), a = y with probability `agreement`.

        Groups (y, a) in the order (+, +), (+, -), (-, +), (-, -), `core` and `spurious` (dim,); counts are shares, so that
        verbs need `n`.

        >>> import numpy as np
        >>> ClassGroups.spurious(*np.eye(2, 50), np.ones(50), agreement=0.75, weights=[1, 3, 3, 1])
        ClassGroups(counts=[0.375, 0.125, 0.125, 0.375], dim=50, weights=[1.0, 3.0, 3.0, 1.0])
        """
        agreement = float(validation.non_negative("agreement", agreement, 0))
        if agreement > 1.0:
            raise ValueError(f"agreement must be in [0, 1], got {agreement:g}")
        core, spurious = validation.array("core", core), validation.array("spurious", spurious)
        signs = np.array([(y, a) for y in (1.0, -1.0) for a in (1.0, -1.0)])
        counts = 0.5 * np.where(signs[:, 0] == signs[:, 1], agreement, 1.0 - agreement)
        return cls(counts, signs[:, 0], signs @ np.stack([core, spurious]), variances, weights, None, test_shares)

    @classmethod
    def xor(cls, first: Any, second: Any, variances: Any) -> "ClassGroups":
        """Clusters at +-`first` of class +1 and at +-`second` of class -1, both (dim,), alike in number: shares as counts.

        >>> import numpy as np
        >>> ClassGroups.xor(*np.eye(2, 50), np.ones(50)).labels
        array([ 1.,  1., -1., -1.])
        """
        first, second = validation.array("first", first), validation.array("second", second)
        return cls(np.full(4, 0.25), [1, 1, -1, -1], np.stack([first, -first, second, -second]), variances)

    def __repr__(self) -> str:
        """Say in one line what is learned."""
        weights = f", weights={self.weights.tolist()}" if np.ptp(self.weights) > 0.0 else ""
        return f"ClassGroups(counts={self.counts.tolist()}, dim={self.dim}{weights})"

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
