"""Resampling of the training set: what one member of a bagged ensemble is trained on."""

__all__ = ["AbstractResampling", "Bootstrap", "Subsample"]

import abc
import math

import numpy as np

from rfgen.problems.rules import number
from rfgen.problems.settings import Noun, setting

# A sample is drawn more often than this with probability below 1e-16.
MOST_DRAWS = 18


class AbstractResampling(Noun, abc.ABC):
    """How a model draws its own samples from the training set."""

    @abc.abstractmethod
    def draws(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (values,) of times that a sample is drawn, 1 first and 0 left out, and their probabilities."""

    @abc.abstractmethod
    def size(self, n: int) -> int:
        """Samples drawn from `n`."""


class Bootstrap(AbstractResampling):
    """As many samples as there are, drawn with replacement: `Learner(training, resampling=Bootstrap())`, bagging.

    In theory each sample is drawn a Poisson number of times, mean 1, the limit of many samples.

    >>> Bootstrap().draws()[1][:2].round(3)
    array([0.368, 0.184])
    """

    def draws(self) -> tuple[np.ndarray, np.ndarray]:
        """Poisson with mean 1."""
        times = np.arange(1, MOST_DRAWS + 1)
        return times.astype(float), np.array([math.exp(-1.0) / math.factorial(count) for count in times])

    def size(self, n: int) -> int:
        """All of them."""
        return n


class Subsample(AbstractResampling):
    """A `share` in (0, 1] of the samples, drawn without replacement: subbagging.

    A simulation rounds share * n to a whole number.

    >>> Subsample(0.5).size(80)
    40
    """

    share: float = setting(number("(0, 1]"))

    def draws(self) -> tuple[np.ndarray, np.ndarray]:
        """Once, with probability `share`."""
        return np.ones(1), np.array([self.share])

    def size(self, n: int) -> int:
        """A share of them."""
        return max(1, round(self.share * n))
