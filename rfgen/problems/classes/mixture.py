"""Two Gaussian classes with opposite means, unequal sizes and flipped training labels."""

__all__ = ["Mixture"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.classes.class_groups import ClassGroups

CLASSES = (1.0, -1.0)


@dataclass(frozen=True, eq=False)
class Mixture:
    """Two classes: x = y mean + N(0, covariance), y = +1 with probability `prior`, else -1.

    `mean` (dim,), in coordinates in which the covariance is diagonal; `covariance` (dim,), its eigenvalues, or (2, dim),
    those of class +1 and of class -1, or one number for all.  `flip` in [0, 1/2): the probability that a training label is
    wrong.  Errors are measured against the true class.

    >>> mixture = Mixture(mean=[1.0, 0.5, 0.0], covariance=[1.0, 0.5, 0.25], prior=0.3, flip=0.1)
    >>> mixture
    Mixture(dim=3, prior=0.3, flip=0.1)
    """

    mean: Any
    covariance: Any
    prior: Any = 0.5
    flip: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        mean = validation.array("mean", self.mean)
        covariance = validation.non_negative("covariance", self.covariance, (0, 1, 2))
        covariance = np.broadcast_to(covariance, mean.shape) if covariance.ndim == 0 else covariance
        if covariance.shape not in (mean.shape, (2, mean.size)):
            raise ValueError(
                f"covariance must hold {mean.size} eigenvalues, one per entry of mean, or two such rows, one a class, got "
                f"shape {covariance.shape}"
            )
        if not covariance.any():
            raise ValueError("covariance must not be all zero")
        prior, flip = float(validation.array("prior", self.prior, 0)), float(validation.non_negative("flip", self.flip, 0))
        if not 0.0 < prior < 1.0:
            raise ValueError(f"prior must lie strictly between 0 and 1, else a class has no samples, got {prior:g}")
        if flip >= 0.5:
            raise ValueError(f"flip must be in [0, 1/2), got {flip:g}")
        for name, value in {"mean": mean, "covariance": covariance}.items():
            value = value.copy()
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "prior", prior)
        object.__setattr__(self, "flip", flip)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.mean.size

    @property
    def shares(self) -> np.ndarray:
        """Probability of each class, +1 first, (2,)."""
        return np.array([self.prior, 1.0 - self.prior])

    def groups(self, n: float) -> ClassGroups:
        """The groups of `n` training rows: each class with right and with wrong labels (no rows where none is flipped).

        >>> Mixture([1.0], [1.0], prior=0.25, flip=0.1).groups(40).counts
        array([ 9., 27.,  1.,  3.])
        """
        counts = n * self.shares
        if counts.min() < 1.0:
            raise ValueError(f"n must leave a sample to each class, got n * prior = {counts[0]:g}, the rest {counts[1]:g}")
        rows = [(y, y, share * (1.0 - self.flip)) for y, share in zip(CLASSES, counts, strict=True)]
        rows += [(y, -y, share * self.flip) for y, share in zip(CLASSES, counts, strict=True)]
        classes, labels, counts = (np.array(column) for column in zip(*rows, strict=True))
        covariance = np.atleast_2d(self.covariance)
        of_class = np.zeros(classes.size, int) if covariance.shape[0] == 1 else (classes < 0).astype(int)
        tested = [*self.shares, *np.zeros(classes.size - 2)]  # a row's label plays no part in the test
        means = classes[:, None] * self.mean
        return ClassGroups(counts, labels, means, covariance[of_class], classes=classes, test_shares=tested)

    def __repr__(self) -> str:
        """Say in one line what is learned."""
        return f"Mixture(dim={self.dim}, prior={self.prior:g}, flip={self.flip:g})"
