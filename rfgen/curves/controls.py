"""Means of trials with control variates: quantities of a trial whose own mean is known to be 0."""

__all__ = ["controlled"]

import numpy as np

# Controls are used where they leave at most this share of the variance: their weights are fitted to the same trials, and
# a chance fit to 45 trials of noise does not get there (1 in 10^6 for two controls).
WORTHWHILE = 0.5
# Trials for each control, and how many singular directions of the controls count.
ENOUGH, CUT = 8, 1e-10


def controlled(values: np.ndarray, controls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of `values` (trials, ...) with `controls` (trials, ..., q) of mean 0, by least squares.

    The mean is the constant of the regression on the controls, its error that of the regression: unbiased and Student's
    with trials - q - 1 degrees for normal trials.  Where that is not worth while, the plain mean; the error never grows.

    >>> random = np.random.default_rng(0)
    >>> known, rest = random.normal(size=(100, 1)), 0.1 * random.normal(size=100)
    >>> mean, error = controlled(1.0 + known[:, 0] + rest, known)
    >>> abs(float(mean) - 1.0) < 0.03, round(float(error), 3)
    (True, 0.01)
    """
    trials, many = values.shape[0], controls.shape[-1]
    mean = values.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = values.var(axis=0, ddof=1) / trials if trials > 1 else np.full(values.shape[1:], np.nan)
        if trials < ENOUGH * many:
            return mean, np.sqrt(variance)
        centre = controls.mean(axis=0)
        away = controls - centre
        scale = np.sqrt((away**2).sum(axis=0))
        scale = np.where(scale > 0.0, scale, 1.0)
        away, centre = away / scale, centre / scale
        moments = np.einsum("t...p,t...q->...pq", away, away)
        along = np.einsum("t...q,t...->...q", away, values - mean)
        finite = np.isfinite(along).all(axis=-1) & np.isfinite(moments).all(axis=(-1, -2))
        inverse = np.linalg.pinv(np.where(finite[..., None, None], moments, 0.0), CUT, hermitian=True)
        weights = np.einsum("...pq,...q->...p", inverse, np.where(finite[..., None], along, 0.0))
        left = np.maximum(((values - mean) ** 2).sum(axis=0) - (weights * along).sum(axis=-1), 0.0) / (trials - 1 - many)
        known = left * (1.0 / trials + np.einsum("...p,...pq,...q->...", centre, inverse, centre))
    better = finite & (known < WORTHWHILE * variance)
    with np.errstate(invalid="ignore"):
        return np.where(better, mean - (weights * centre).sum(axis=-1), mean), np.sqrt(np.where(better, known, variance))
