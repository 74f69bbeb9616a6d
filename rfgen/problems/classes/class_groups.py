"""Labelled Gaussian groups: every group has a mean, a covariance, a training label and a number of rows."""

__all__ = ["ClassGroups", "ClassMoments"]

from functools import cached_property, partial
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from rfgen.numerics.compilation.record import record
from rfgen.numerics.compression import compress
from rfgen.problems.rules import number, numbers, optional
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short
from rfgen.problems.validation import array, non_negative, positive

LEAST_LEVELS, PADDING = 192, 32


@record
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


def _signs(name: str, value: Any) -> np.ndarray:
    signs = array(name, value)
    if (np.abs(signs) != 1).any():
        raise ValueError(f"{name} must be +1 or -1, got {signs.tolist()}")
    return signs


class ClassGroups(Noun):
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
    ClassGroups(counts=[90, 60, 0], dim=50)
    """

    counts: Any = setting(partial(non_negative, ndim=1))
    labels: Any = setting(_signs)
    means: Any = setting(numbers(ndim=2))
    variances: Any = setting(partial(non_negative, ndim=(1, 2)))
    weights: Any = setting(optional(partial(positive, ndim=1)), default=None)
    classes: Any = setting(optional(_signs), default=None)
    test_shares: Any = setting(optional(partial(non_negative, ndim=1)), default=None)

    def _relate(self) -> None:
        """One entry a group, and rows to train and to test on."""
        groups, (rows, dim) = self.counts.size, self.means.shape
        if rows != groups:
            raise ValueError(f"means must have one row per group ({groups}), got shape {self.means.shape}")
        if self.counts.sum() <= 0:
            raise ValueError("counts must hold at least one row to train on, got none")
        if self.variances.shape not in ((dim,), (groups, dim)):
            raise ValueError(
                f"variances must have one entry per coordinate ({dim}), or so for each of {groups} groups, got shape "
                f"{self.variances.shape}"
            )
        if not np.atleast_2d(self.variances).any(axis=1).all():
            raise ValueError("variances must not all be zero, in no group")
        defaults = {"labels": None, "classes": self.labels, "weights": np.ones(groups), "test_shares": self.counts}
        for name, default in defaults.items():
            value = default if getattr(self, name) is None else getattr(self, name)
            if value.size != groups:
                raise ValueError(f"{name} must have one entry per group ({groups}), got {value.size}")
            self._set(**{name: value})
        if self.test_shares.sum() <= 0:
            raise ValueError(
                f"test_shares must have one entry per group ({groups}), not all 0, got {self.test_shares.tolist()}"
            )
        shares = self.test_shares / self.test_shares.sum()
        self._set(test_shares=shares, variances=np.broadcast_to(self.variances, self.means.shape))

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
        ClassGroups(counts=[0.375, 0.125, 0.125, 0.375], dim=50, weights=[1, 3, 3, 1])
        """
        agreement = number("[0, 1]")("agreement", agreement)
        core, spurious = array("core", core), array("spurious", spurious)
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
        first, second = array("first", first), array("second", second)
        return cls(np.full(4, 0.25), [1, 1, -1, -1], np.stack([first, -first, second, -second]), variances)

    def _shown(self) -> dict[str, str]:
        """Counts, the number of coordinates, and weights that differ."""
        weights = {"weights": short(self.weights)} if np.ptp(self.weights) > 0.0 else {}
        return {"counts": short(self.counts), "dim": short(self.dim), **weights}

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
