"""The least risk of linear regression under noise of any law: posterior means of coefficients drawn, normal of known power.

v = sum_i c_i / (1 + c_i n I(v)), c_i the power of a mode and I(v) the Fisher information of the noise blurred by N(0, v):
what is known of one coefficient is what n rows tell of it whose noise holds the others' uncertainty.  Equation: theory
(16.13).
"""

__all__ = ["best_robust", "noise_information"]

from typing import Any

import numpy as np

# Edges of panels about each mean, in logarithms of the distance, from this part of the least deviation on.
FIRST, REACH, STRIDE = 0.05, 9.0, 0.35
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(14)

def noise_information(mixture: tuple[Any, Any, Any], variance: Any) -> float:
    """Fisher information of the location of noise, a `mixture` of normal laws, blurred by N(0, variance).

    >>> round(float(noise_information((np.ones(1), np.zeros(1), np.ones(1)), 3.0)), 12)
    0.25
    """
    shares, means, deviations = (np.asarray(part, np.float64) for part in mixture)
    kept = shares > 1e-18
    shares, means, deviations = shares[kept], means[kept], np.sqrt(deviations[kept] ** 2 + variance)
    far = REACH * deviations.max() + np.ptp(means)
    steps = np.exp(np.arange(np.log(FIRST * deviations.min()), np.log(far) + STRIDE, STRIDE))
    offsets = np.concatenate([-steps[::-1], [0.0], steps])
    edges = np.unique(np.concatenate([mean + offsets for mean in np.unique(means)]))
    half = 0.5 * np.diff(edges)
    points = ((edges[1:] + edges[:-1])[:, None] * 0.5 + half[:, None] * _NODES).ravel()
    measure = (half[:, None] * _WEIGHTS).ravel()
    distance = (points[:, None] - means) / deviations
    parts = shares / deviations * np.exp(-0.5 * distance**2)
    density, slope = parts.sum(axis=1), -(parts * distance / deviations).sum(axis=1)
    return float(measure @ (slope**2 / np.maximum(density, 1e-300))) / np.sqrt(2.0 * np.pi)

def best_robust(power: Any, multiplicity: Any, mixture: tuple[Any, Any, Any], n: Any) -> float:
    """Least excess risk of targets whose coefficient in each mode is N(0, power); `power`, `multiplicity` (levels,).

    >>> normal = np.ones(1), np.zeros(1), np.ones(1)
    >>> from rfgen.theory.bayes.best_regression import best_regression
    >>> bool(abs(best_robust([1.0], [50], normal, 80) + 1.0 - best_regression([1.0], [50], 1.0, 80)) < 1e-10)
    True
    """
    power, multiplicity = np.asarray(power, np.float64), np.asarray(multiplicity, np.float64)
    total = float(multiplicity @ power)
    low, high = np.log(total) - 60.0, np.log(total)
    for _ in range(60):  # what is left falls with what is known
        middle = 0.5 * (low + high)
        known = n * noise_information(mixture, np.exp(middle))
        low, high = (middle, high) if multiplicity @ (power / (1.0 + power * known)) > np.exp(middle) else (low, middle)
    return float(np.exp(0.5 * (low + high)))
