"""The classifier that takes features for independent."""

__all__ = ["NaiveBayes"]

from dataclasses import dataclass

import numpy as np

from rfgen.problems.trainings.spectral import AbstractTraining


@dataclass(frozen=True, eq=False, repr=False)
class NaiveBayes(AbstractTraining):
    """Gaussian naive Bayes: Bayes' rule with the estimated means, shares and pooled variances of the features, taken for
    independent.

    Classifies by the sign of w.x + b, w = (m_+ - m_-) / v, b = sum (m_-^2 - m_+^2) / (2 v) + log(n_+ / n_-), where m are
    the class means, v the variances within classes and n the sizes of the classes.

    >>> NaiveBayes()
    NaiveBayes()
    """

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """No settings."""
        return {}
