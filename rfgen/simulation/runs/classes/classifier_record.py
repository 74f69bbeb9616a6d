"""What is measured of trained linear classifiers."""

__all__ = ["ClassifierRuns"]

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ClassifierRuns:
    """Measures of every trial, numpy arrays (trials,), or (trials, ridges) where the training has an array of ridges, then
    (..., radii) where it has one of radii.

    `error`: probability of a wrong class, given the trained classifier: the mean of the groups by their shares in the test;
    for a teacher of missing a fresh label, and `sign_error` the sign of u.
    `group_error` (..., groups): of each class, +1 first, or group.  `l2_error`, `linf_error` (..., radii) and
    `group_l2_error`, `group_linf_error` (..., radii, groups): under attacks within these radii.  `robust_error`,
    `group_robust_error`: under the attack that an `AdversarialTraining` trains for.

    `train_error`: share of training rows whose training label is missed, `train_loss` their mean loss as the training
    writes it (unweighted; None without a loss), `support` the share with margins below 1 (hinge: with positive dual, hard
    margin: at the margin); `group_train_error`, `group_support` (..., groups), NaN where a group has no rows.
    `calibration_error`, `temperature`, `log_loss`, `brier`: of the probabilities that `Logistic` gives.
    `norm`: squared trainable weights; `l1`: sum of absolute weights of the inputs; `intercept`.

    `overlap` = w.mean and `spread` = w'S w (..., groups); of a teacher E[u w.x] and E[(w.x)^2], without groups.

    `separable`, `converged` (...).  Where a hard margin does not exist, or a fit did not converge, measures are NaN.
    What a problem has not is None.
    """

    error: Any
    train_error: Any
    train_loss: Any
    norm: Any
    l1: Any
    intercept: Any
    support: Any
    overlap: Any
    spread: Any
    separable: Any
    converged: Any
    group_error: Any = None
    group_train_error: Any = None
    group_support: Any = None
    l2_error: Any = None
    linf_error: Any = None
    group_l2_error: Any = None
    group_linf_error: Any = None
    sign_error: Any = None
    robust_error: Any = None
    group_robust_error: Any = None
    calibration_error: Any = None
    temperature: Any = None
    log_loss: Any = None
    brier: Any = None

    def summary(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean over trials of the measure `name`, and its standard error; trials that are NaN do not count."""
        values = np.asarray(getattr(self, name), np.float64)
        seen = np.isfinite(values)
        count = seen.sum(axis=0)
        safe = np.maximum(count, 1)
        mean = np.where(seen, values, 0.0).sum(axis=0) / safe
        squares = np.where(seen, (np.where(seen, values, 0.0) - mean) ** 2, 0.0).sum(axis=0)
        error = np.sqrt(squares / np.maximum(count - 1, 1) / safe)
        return np.where(count > 0, mean, np.nan), np.where(count > 1, error, np.nan)
