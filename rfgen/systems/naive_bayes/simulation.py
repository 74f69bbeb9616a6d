"""Naive Bayes fitted to drawn training sets, and its exact errors."""

__all__ = ["fit_naive_bayes", "naive_bayes_runs"]

import numpy as np

from rfgen.simulation.random_numbers import fold_in, host_key, split
from rfgen.simulation.sampling.labelled_rows import labelled_rows
from rfgen.systems.naive_bayes.problem import CorrelatedClasses


def fit_naive_bayes(rows: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (dim,) and intercept of Gaussian naive Bayes with pooled variances, for `rows` (n, dim), `labels` +1, -1.

    >>> weights, bias = fit_naive_bayes(np.array([[1.0], [3.0], [-1.0], [-3.0]]), np.array([1.0, 1.0, -1.0, -1.0]))
    >>> weights.tolist(), bias
    ([2.0], 0.0)
    """
    positive = labels > 0
    means = [rows[chosen].mean(axis=0) for chosen in (positive, ~positive)]
    within = rows - np.where(positive[:, None], *means)
    variances = np.sum(within**2, axis=0) / (len(rows) - 2)
    odds = np.log(positive.sum() / (~positive).sum())
    return (means[0] - means[1]) / variances, float(np.sum((means[1] ** 2 - means[0] ** 2) / variances) / 2.0 + odds)


def naive_bayes_runs(classes: CorrelatedClasses, trials: int, seed: int, start: int, n: int) -> dict[str, np.ndarray]:
    """`error` (trials,) of the trials from number `start` on; each depends on `seed` and its number alone.

    The training sets are those on which `rfgen.simulation.runs.classes.classifier` trains on the rotated classes.

    >>> classes = CorrelatedClasses.blocks(dim=60, size=3, correlation=0.5, length=2.0)
    >>> naive_bayes_runs(classes, 3, 0, 0, 50)["error"].shape
    (3,)
    """
    from scipy.special import ndtr

    source, (_, vectors), key = labelled_rows(classes.rotated, n), classes.eigen, host_key(seed)
    errors = []
    for number in range(start, start + trials):
        drawn = source.draw(split(fold_in(key, number))[0])
        weights, bias = fit_naive_bayes(np.asarray(drawn.rows) @ vectors.T, np.asarray(drawn.labels))
        deviation = np.sqrt(weights @ classes.covariance @ weights)
        missed = [ndtr(-(weights @ classes.mean + sign * bias) / deviation) for sign in (1.0, -1.0)]
        errors.append(classes.prior * missed[0] + (1.0 - classes.prior) * missed[1])
    return {"error": np.array(errors)}
