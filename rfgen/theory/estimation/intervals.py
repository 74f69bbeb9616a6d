"""Intervals for fresh labels: how long right ones are, and what intervals from training residuals cover.

The residual of a fresh row is normal, of the test risk's variance, where noise and inputs are.  Equation: theory (16.15).
"""

__all__ = ["LEVEL", "interval_length", "naive_coverage"]

from math import erf
from statistics import NormalDist
from typing import Any

import numpy as np

# What intervals are asked to cover.
LEVEL = 0.9


def interval_length(test: Any, level: float = LEVEL) -> Any:
    """Of intervals that cover `level` of fresh labels at a `test` risk: those of leave-one-out residuals, as n grows.

    >>> round(float(interval_length(1.0)), 4)
    3.2897
    """
    return 2.0 * NormalDist().inv_cdf(0.5 + 0.5 * level) * np.sqrt(np.asarray(test, np.float64))


def naive_coverage(test: Any, train: Any, level: float = LEVEL) -> Any:
    """What intervals cover that take the `train` error for the risk.

    >>> naive_coverage(1.0, np.array([0.0, 0.25, 1.0])).round(4)
    array([0.    , 0.5892, 0.9   ])
    """
    test, train = np.asarray(test, np.float64), np.asarray(train, np.float64)
    share = np.where(test > 0.0, train / np.where(test > 0.0, test, 1.0), 1.0)
    widths = NormalDist().inv_cdf(0.5 + 0.5 * level) * np.sqrt(np.where(np.isnan(test), np.nan, share) / 2.0)
    return np.fromiter(map(erf, widths.ravel().tolist()), float, widths.size).reshape(widths.shape)
