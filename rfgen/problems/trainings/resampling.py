"""Resampling of the training set: what one member of a bagged ensemble is trained on.  Equations: theory (8.9)."""

__all__ = ["AbstractResampling", "Bootstrap", "Subsample", "on_drawn"]

import abc
import math
from dataclasses import replace
from typing import Any

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

    @property
    def mean_share(self) -> float:
        """Samples drawn per sample there is."""
        times, probability = self.draws()
        return float(np.round(times @ probability, 12))

    @abc.abstractmethod
    def size(self, n: int) -> int:
        """Samples drawn from `n`."""


def on_drawn(training: Any, share: float) -> Any:
    """The training as the formulas of n samples take it, whose objective is a mean over the `share` of n that are drawn.

    The gradient of sum_drawn (y - f)^2 + ridge |w|^2, over twice the samples drawn, is that over 2 n divided by the share:
    so is the rate, or the time; bounds of the spectrum are the other way round.
    """
    powers = {"rate": -1, "time": -1, "lower_bound": 1, "upper_bound": 1}
    moved = {name: getattr(training, name) * share**power for name, power in powers.items() if hasattr(training, name)}
    return replace(training, **moved) if share != 1.0 and moved else training


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

    A simulation rounds share * n to a whole number.  A model trained by gradient steps descends its own objective, the mean
    over the samples that it has drawn; its ridge is unnormalised, as always.

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
