"""Means of trials with control variates: quantities of a trial whose own mean is known to be 0."""

__all__ = ["controlled"]

import numpy as np

# Controls are used where they leave at most this share of the variance: a chance fit to noise does not get there.
WORTHWHILE = 0.5
# Weights are fitted to the trials of other folds, which makes the mean unbiased at any number of trials: fitted to all 40
# of a skewed risk, z had a mean of -.57.
FOLDS = 5
# What controls leave is skewed where a trial has few modes (chi-squared of one degree at worst), which few trials do not
# show: variances of T trials grow by 1 + 24/T.  With it z of 40 trials of 150 seeds (100 modes, n = 20, and 2 modes, n = 8;
# ridges 10 and 1000) has deviations of .73 to 1.28 and means of .17 to -.36, as without controls.
SKEWED = 24.0
# Trials for each control, and the singular directions of the controls that count.
ENOUGH, CUT = 8, 1e-10


def controlled(values: np.ndarray, controls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of `values` (trials, ...) less the best multiples of `controls` (trials, ..., q) of mean 0.

    Pairs of trials, one after the other, are of one fold.  Where controls are not worth while, the plain mean: the error
    never grows.

    >>> random = np.random.default_rng(0)
    >>> known, rest = random.normal(size=(100, 1)), 0.1 * random.normal(size=100)
    >>> mean, error = controlled(1.0 + known[:, 0] + rest, known)
    >>> bool(abs(mean - 1.0) < 0.03), round(float(error), 3)
    (True, 0.011)
    """
    trials, many = values.shape[0], controls.shape[-1]
    none = np.full(values.shape[1:], np.nan)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean, variance = values.mean(axis=0), values.var(axis=0, ddof=1) / trials if trials > 1 else none
        if trials < ENOUGH * many:
            return mean, np.sqrt(variance)
        fold = np.arange(trials) // 2 % FOLDS
        left = np.concatenate([_less(values, controls, fold == number) for number in range(FOLDS)])
        known = left.var(axis=0, ddof=1) / trials * (1.0 + SKEWED / trials)
        better = known < WORTHWHILE * variance  # False for NaN
        mean = np.where(better, left.mean(axis=0), mean)
        return mean, np.sqrt(np.where(better, known, variance))


def _less(values: np.ndarray, controls: np.ndarray, own: np.ndarray) -> np.ndarray:
    """The `own` values less the multiples of their controls that fit the other trials best."""
    centre, scale = controls[~own].mean(axis=0), controls[~own].std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    away = (controls[~own] - centre) / scale
    moments = np.einsum("t...p,t...q->...pq", away, away)
    along = np.einsum("t...q,t...->...q", away, values[~own] - values[~own].mean(axis=0))
    finite = np.isfinite(along).all(axis=-1) & np.isfinite(moments).all(axis=(-1, -2))
    inverse = np.linalg.pinv(np.where(finite[..., None, None], moments, 0.0), CUT, hermitian=True)
    weights = np.einsum("...pq,...q->...p", inverse, np.where(finite[..., None], along, np.nan)) / scale
    return np.asarray(values[own] - np.einsum("t...q,...q->t...", controls[own], weights))
