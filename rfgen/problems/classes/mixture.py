"""Two Gaussian classes with opposite means, unequal sizes and flipped training labels."""

__all__ = ["Mixture"]

from functools import partial
from typing import Any

import numpy as np

from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.rules import number, numbers
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short
from rfgen.problems.validation import non_negative

CLASSES = (1.0, -1.0)


class Mixture(Noun):
    """Two classes: x = y mean + N(0, covariance), y = +1 with probability `prior`, else -1.

    `mean` (dim,), in coordinates in which the covariance is diagonal; `covariance` (dim,), its eigenvalues, or (2, dim),
    those of class +1 and of class -1, or one number for all.  `flip` in [0, 1/2): the probability that a training label is
    wrong.  Errors are measured against the true class.

    >>> mixture = Mixture(mean=[1.0, 0.5, 0.0], covariance=[1.0, 0.5, 0.25], prior=0.3, flip=0.1)
    >>> mixture
    Mixture(dim=3, prior=0.3, flip=0.1)
    """

    mean: Any = setting(numbers(ndim=1))
    covariance: Any = setting(partial(non_negative, ndim=(0, 1, 2)))
    prior: float = setting(number("(0, 1)"), default=0.5)
    flip: float = setting(number("[0, 1/2)"), default=0.0)

    def _relate(self) -> None:
        """Eigenvalues of one covariance, or of one for each class."""
        covariance = np.broadcast_to(self.covariance, self.mean.shape) if self.covariance.ndim == 0 else self.covariance
        if covariance.shape not in (self.mean.shape, (2, self.mean.size)):
            raise ValueError(
                f"covariance must hold {self.mean.size} eigenvalues, one per entry of mean, or two such rows, one a class, "
                f"got shape {covariance.shape}"
            )
        if covariance.shape == (2, 2) and not (covariance - np.diag(np.diag(covariance))).any():
            raise ValueError(
                "covariance must hold its two eigenvalues, or two rows of them, one a class; got a diagonal matrix: give "
                f"its diagonal, {np.diag(covariance).tolist()}"
            )
        if not covariance.any():
            raise ValueError("covariance must not be all zero")
        self._set(covariance=covariance)

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

    def _shown(self) -> dict[str, str]:
        """The number of coordinates in place of their values."""
        return {name: short(getattr(self, name)) for name in ("dim", "prior", "flip")}
