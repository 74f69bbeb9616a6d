"""Laws of label noise, each a mixture of normal laws: means of whatever is known under normal noise are sums."""

__all__ = ["AbstractNoise", "ContaminatedNoise", "LaplaceNoise", "StudentNoise"]

from abc import abstractmethod
from typing import Any

import numpy as np

from rfgen.problems.rules import number
from rfgen.problems.settings import Noun, setting

# Nodes of the trapezium rule over the logarithm of the mixing variable: its densities are analytic for |Im| < pi/2, so that
# this step leaves exp(-pi^2 / STEP), 1e-17; tails below e^-DEPTH are cut.
STEP, DEPTH, PADDING = 0.25, 32.0, 64


class AbstractNoise(Noun):
    """A law of label noise, independent of the inputs: `mean`, `variance`, and itself as a mixture of normal laws."""

    @property
    @abstractmethod
    def mixture(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shares, means and deviations of normal laws, each (parts,)."""

    @property
    @abstractmethod
    def variance(self) -> float:
        """Variance; inf where there is none."""

    @property
    def mean(self) -> float:
        """Mean, or the centre of a symmetric law that has none."""
        return 0.0


class StudentNoise(AbstractNoise):
    """Noise `scale` * t, t of Student's law with `dof` > 0 degrees of freedom: variance inf for dof <= 2, Cauchy for 1.

    >>> StudentNoise(dof=4.0, scale=0.5).variance
    0.5
    """

    dof: float = setting(number("[0.1, inf)"))
    scale: float = setting(number("(0, inf)"), default=1.0)

    @property
    def mixture(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Normal noise of variance scale^2 / G, G of a gamma law of mean 1."""
        from scipy.special import gammaln

        half = 0.5 * self.dof
        logs = _steps(-DEPTH / half, np.log(DEPTH / half + 2.0 + 4.0 / np.sqrt(half)))
        shares = np.exp(half * (logs - np.exp(logs)) + half * np.log(half) - gammaln(half)) * STEP
        return _padded(shares, self.scale * np.exp(-0.5 * logs))

    @property
    def variance(self) -> float:
        """scale^2 dof / (dof - 2)."""
        return self.scale**2 * self.dof / (self.dof - 2.0) if self.dof > 2.0 else np.inf


class LaplaceNoise(AbstractNoise):
    """Noise of the density exp(-|e| / scale) / (2 scale), double exponential: of variance 2 scale^2.

    >>> LaplaceNoise(0.5).variance
    0.5
    """

    scale: float = setting(number("(0, inf)"), default=1.0)

    @property
    def mixture(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Normal noise of variance 2 scale^2 E, E exponential."""
        logs = _steps(-DEPTH, 4.0)
        return _padded(np.exp(logs - np.exp(logs)) * STEP, self.scale * np.sqrt(2.0) * np.exp(0.5 * logs))

    @property
    def variance(self) -> float:
        """2 scale^2."""
        return 2.0 * self.scale**2


class ContaminatedNoise(AbstractNoise):
    """Normal noise of deviation `scale`, of which a `share` in [0, 1) is N(shift, outliers^2) instead: Tukey's model.

    >>> round(ContaminatedNoise(share=0.1, outliers=10.0).variance, 9)
    10.9
    """

    share: float = setting(number("[0, 1)"))
    outliers: float = setting(number("[0, 1e100]"), default=10.0)
    scale: float = setting(number("(0, 1e100]"), default=1.0)
    shift: float = setting(number("[-1e100, 1e100]"), default=0.0)

    @property
    def mixture(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The two laws."""
        return (
            np.array([1.0 - self.share, self.share]), np.array([0.0, self.shift]), np.array([self.scale, self.outliers])
        )

    @property
    def mean(self) -> float:
        """share * shift."""
        return self.share * self.shift

    @property
    def variance(self) -> float:
        """Of the mixture."""
        scatter = (1.0 - self.share) * self.scale**2 + self.share * self.outliers**2
        return scatter + self.share * (1.0 - self.share) * self.shift**2


def _steps(first: float, last: float) -> np.ndarray:
    return first + STEP * np.arange(int(np.ceil((last - first) / STEP)) + 1)


def _padded(shares: np.ndarray, deviations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parts of no share more, so that few programs serve all laws."""
    more: Any = (0, -shares.size % PADDING)
    shares = np.pad(shares / shares.sum(), more)
    return shares, np.zeros_like(shares), np.pad(deviations, more, constant_values=1.0)
