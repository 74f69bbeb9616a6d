"""Errors of naive Bayes and of Bayes' rule on two Gaussian classes of correlated features.

With D the diagonal of the covariance S and R = S D^-1, naive Bayes has the weights w = D^-1 (m_+ - m_-).  As features and
samples grow together its score y (w.x + b) of an input of class y is normal, of mean 2 mean'D^-1 mean + y b,
b = dim (1/n_- - 1/n_+) / 2 + log(n_+ / n_-), and variance

    w'Sw = 4 mean'D^-1 S D^-1 mean + (1/n_+ + 1/n_-) tr R^2 .

So it needs n of the order of tr R^2 alone, and keeps the bias of the first term, where Bayes' rule has mean'S^-1 mean.
Of what vanishes like 1/n the larger parts are kept: the variance of the score over training sets,
4 mean'D^-1 S D^-1 mean / n_-y + tr R^2 (1/n_+^2 + 1/n_-^2) / 2, and the estimated variances of the features, chi-squared
with n - 2 degrees of freedom.  (Derived: theory (13.3).)
"""

__all__ = ["bayes_errors", "naive_bayes_errors"]

from typing import Any

import numpy as np

from rfgen.systems.naive_bayes.problem import CorrelatedClasses


def naive_bayes_errors(classes: CorrelatedClasses, n: Any) -> np.ndarray:
    """Test error of naive Bayes in each class, +1 first, (..., 2), after `n` > 6 samples, a number or an array (...).

    n = inf: its bias, what correlations cost it.  Exact as dim and n grow together, at fixed length of the mean.
    Source: derived.

    >>> classes = CorrelatedClasses.blocks(dim=60, size=3, correlation=0.5, length=2.0)
    >>> naive_bayes_errors(classes, [60.0, np.inf]).round(4).tolist(), bayes_errors(classes).round(4).tolist()
    ([[0.0491, 0.0491], [0.0228, 0.0228]], [0.0072, 0.0072])
    """
    from scipy.special import ndtr

    inverse, share = 1.0 / np.diagonal(classes.covariance), 1.0 / np.asarray(n, np.float64)
    weights, shares = inverse * classes.mean, np.array([classes.prior, 1.0 - classes.prior])
    correlations = classes.covariance * np.sqrt(inverse[:, None] * inverse)
    each = share[..., None] / shares
    unsure = 2.0 * share / (1.0 - 6.0 * share)  # of the estimated variances, relative
    along, squares = 2.0 * classes.mean @ weights, np.sum(correlations**2)
    seen = classes.covariance * weights[:, None] * weights
    learned = 4.0 * (seen.sum() + unsure * np.sum(seen * correlations**2))
    learned = learned + each.sum(axis=-1) * (squares + unsure * np.sum(correlations**4))
    drawn = 4.0 * each[..., ::-1] * seen.sum() + 0.5 * squares * np.sum(each**2, axis=-1, keepdims=True)
    odds = np.log(shares[0] / shares[1]) * (1.0 - 4.0 * share) / (1.0 - 2.0 * share)  # in units of 1 / variance
    bias = 0.5 * classes.dim * (each[..., 1] - each[..., 0]) + odds
    margins = np.stack([along + bias, along - bias], axis=-1)
    return ndtr(-margins / np.sqrt(learned[..., None] + drawn))


def bayes_errors(classes: CorrelatedClasses) -> np.ndarray:
    """Error of Bayes' rule in each class, +1 first, (2,); 0 where the mean leaves the range of the covariance."""
    from scipy.special import ndtr

    values, vectors = classes.eigen
    along = (vectors.T @ classes.mean) ** 2
    seen = values > 1e-12 * values[-1]
    if (along[~seen] > 1e-24 * along.sum()).any():
        return np.zeros(2)
    square = float(np.sum(along[seen] / values[seen]))
    if square == 0.0:
        return (np.array([classes.prior, 1.0 - classes.prior]) < 0.5).astype(float)
    bias = 0.5 * np.log(classes.prior / (1.0 - classes.prior))
    return ndtr(-(square + bias * np.array([1.0, -1.0])) / np.sqrt(square))
