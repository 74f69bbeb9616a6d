"""Two Gaussian classes whose features are correlated, and the classifier that takes them for independent."""

__all__ = ["CorrelatedClasses", "NaiveBayes"]

from functools import cached_property
from typing import Any

import numpy as np

from rfgen.numerics.memory import planned
from rfgen.problems import validation
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.rules import number, numbers
from rfgen.problems.settings import setting
from rfgen.problems.shown import short
from rfgen.problems.system_task import SystemTask
from rfgen.problems.trainings.spectral import AbstractTraining


class CorrelatedClasses(SystemTask):
    """Two classes: x = y mean + N(0, covariance), y = +1 with probability `prior`, else -1.

    `mean` (dim,), `covariance` (dim, dim), positive semidefinite with a diagonal > 0.  To methods that are blind to
    rotations, as logistic regression, these are the `rg.Mixture` of `rotated`; naive Bayes sees the features themselves.

    >>> classes = CorrelatedClasses.blocks(dim=60, size=3, correlation=0.5, length=2.0)
    >>> classes
    CorrelatedClasses(dim=60, prior=0.5)
    >>> classes.covariance[:2, :4].tolist()
    [[1.0, 0.5, 0.5, 0.0], [0.5, 1.0, 0.5, 0.0]]
    """

    mean: Any = setting(numbers(ndim=1))
    covariance: Any = setting(numbers(ndim=2))
    prior: float = setting(number("(0, 1)"), default=0.5)

    def _relate(self) -> None:
        """A covariance of all features."""
        covariance = self.covariance
        if covariance.shape != (self.dim, self.dim) or not np.allclose(covariance, covariance.T):
            raise ValueError(f"covariance must be a symmetric ({self.dim}, {self.dim}) matrix, got {covariance.shape}")
        if (np.diagonal(covariance) <= 0).any():
            raise ValueError(f"covariance must have a diagonal > 0, got {np.diagonal(covariance).min():g}")
        lowest = float(np.linalg.eigvalsh(covariance)[0])
        if lowest < -1e-9 * np.trace(covariance):
            raise ValueError(f"covariance must be positive semidefinite, got the eigenvalue {lowest:g}")

    @classmethod
    def blocks(cls, dim: int, size: int, correlation: float, length: float, prior: float = 0.5) -> "CorrelatedClasses":
        """Features of variance 1 in blocks of `size` that share `correlation`; the first of each block tells the classes
        apart, by a mean whose length over all is `length`.  `size` divides `dim`.
        """
        dim, size = validation.integer("dim", dim, 1), validation.integer("size", size, 1)
        if dim % size:
            raise ValueError(f"size must divide dim = {dim}, got {size}")
        planned(8 * 3 * dim**2, f"the covariance of dim={dim} features", "lower dim")
        block = (1.0 - correlation) * np.eye(size) + correlation
        mean = np.where(np.arange(dim) % size == 0, length / np.sqrt(dim / size), 0.0)
        return cls(mean, np.kron(np.eye(dim // size), block), prior)

    @property
    def dim(self) -> int:
        """Number of features."""
        return self.mean.size

    @cached_property
    def eigen(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues (dim,) >= 0 and eigenvectors (dim, dim), as columns, of the covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        return np.maximum(values, 0.0), vectors

    @cached_property
    def rotated(self) -> Mixture:
        """The same classes in the coordinates of the eigenvectors."""
        values, vectors = self.eigen
        return Mixture(vectors.T @ self.mean, values, self.prior)

    def _shown(self) -> dict[str, str]:
        """The number of features in place of their moments."""
        return {name: short(getattr(self, name)) for name in ("dim", "prior")}


class NaiveBayes(AbstractTraining):
    """Gaussian naive Bayes: Bayes' rule with the estimated means, shares and pooled variances of the features, taken for
    independent.

    Classifies by the sign of w.x + b, w = (m_+ - m_-) / v, b = sum (m_-^2 - m_+^2) / (2 v) + log(n_+ / n_-), where m are
    the class means, v the variances within classes and n the sizes of the classes.

    >>> NaiveBayes()
    NaiveBayes()
    """
