"""The classifier that takes features for independent."""

__all__ = ["NaiveBayes"]

from rfgen.problems.trainings.spectral import AbstractTraining


class NaiveBayes(AbstractTraining):
    """Gaussian naive Bayes: Bayes' rule with the estimated means, shares and pooled variances of the features, taken for
    independent.

    Classifies by the sign of w.x + b, w = (m_+ - m_-) / v, b = sum (m_-^2 - m_+^2) / (2 v) + log(n_+ / n_-), where m are
    the class means, v the variances within classes and n the sizes of the classes.

    >>> NaiveBayes()
    NaiveBayes()
    """
