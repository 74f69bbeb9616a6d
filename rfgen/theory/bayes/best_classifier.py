"""The least error of labels whose direction is drawn, normal of known variances: of a teacher, or of two classes.

Equations: theory (16.9) and (16.10).
"""

__all__ = ["TeacherBest", "best_mixture", "best_teacher"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.numerics.quadrature.gauss_panels import gauss_panels

PASSES, STEADY = 5000, 1e-13
_HERMITE, _MEASURE = np.polynomial.hermite_e.hermegauss(80)
_MEASURE = _MEASURE / _MEASURE.sum()


@dataclass(frozen=True)
class TeacherBest:
    """Least `error` on fresh labels, `sign_error` of the posterior mean's sign, and its `overlap` m with the teacher."""

    error: float
    sign_error: float
    overlap: float


def best_teacher(power: Any, link: str, scale: Any, flip: Any, n: Any) -> TeacherBest:
    """Labels of u = sum of independent N(0, power) (levels,) times the inputs' modes, of `link`, `scale`, `flip`.

    m = 1 - sum c/(1 + c mhat), mhat = n E sum_y (Z_y')^2 / Z_y, c the power as a share.  Source: the general channel of
    arXiv 1708.03395; derived.

    >>> round(best_teacher(np.ones(100), "sign", 1.0, 0.0, 1e4).sign_error * 100, 2)  # .442 dim / n
    0.44
    """
    from scipy.special import expit, log_ndtr, ndtr

    power = np.asarray(power, np.float64)
    power = power[power > 0.0] / power.sum()

    def law(m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights, P(+ | posterior), and the root of the sum of squared slopes over probabilities."""
        rest = 1.0 - m
        width = np.sqrt(rest + (scale**2 if link == "probit" else 3.0 * scale**2 if link == "logistic" else 0.0))
        bend = max(width / np.sqrt(m), 1e-12)
        marks = np.concatenate([[0.0], np.geomspace(min(bend / 4.0, 4.0), 8.5, 30)])
        z, measure = gauss_panels(np.concatenate([-marks, marks]))
        score = np.sqrt(m) * z
        if link == "logistic":
            says = expit((score[:, None] + np.sqrt(rest) * _HERMITE) / scale)
            right, slope = says @ _MEASURE, (says * (1.0 - says)) @ _MEASURE / scale
        else:
            height = score / width
            right, depth = ndtr(height), -0.5 * height**2 - np.log(width * np.sqrt(2.0 * np.pi))
            if flip == 0.0:  # far out a probability is too small to divide by
                return measure, right, np.sqrt(sum(np.exp(2.0 * depth - log_ndtr(side * height)) for side in (1.0, -1.0)))
            slope = np.exp(depth)
        right = (1.0 - flip) * right + flip * (1.0 - right)
        slope = (1.0 - 2.0 * flip) * slope
        return measure, right, slope * np.sqrt(1.0 / right + 1.0 / (1.0 - right))

    def gained(m: float) -> float:
        measure, _, root = law(m)
        return 1.0 - float(np.sum(power / (1.0 + power * n * float(measure @ root**2)))) - m

    low, high = 1e-13, 1.0 - 1e-13
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if gained(middle) > 0.0 else (low, middle)
    m = 0.5 * (low + high)
    measure, right, _ = law(m)
    return TeacherBest(float(measure @ np.minimum(right, 1.0 - right)), float(np.arccos(np.sqrt(m)) / np.pi), m)


def best_mixture(mean: Any, variances: Any, flip: Any, n: Any) -> float:
    """Least error of two balanced classes at +-mean, entries N(0, mean^2) a priori, of one covariance (dim,).

    `o = sum s^2 a / (1 + a s)`, s = mean^2 / variance, a = n E tanh^2: what the posterior knows of its own rows' classes;
    error Phi(-sqrt(o)).  Derived.

    >>> round(best_mixture([1.0], [1.0], 0.0, 1.0), 6)
    0.23975
    """
    from scipy.special import ndtr

    strength = np.asarray(mean, np.float64) ** 2 / np.asarray(variances, np.float64)
    z, measure = gauss_panels()

    def known(o: float) -> float:
        """E tanh^2 of the log-odds of a row's class, its label among what is known."""
        if flip == 0.0:
            return 1.0
        prior = np.arctanh(1.0 - 2.0 * flip)
        both = ((1.0 - flip, 1.0), (flip, -1.0))
        return sum(chance * float(measure @ np.tanh(o + np.sqrt(o) * z + sign * prior) ** 2) for chance, sign in both)

    def after(o: float) -> float:
        rows = n * known(o)
        return float(np.sum(strength**2 * rows / (1.0 + rows * strength)))

    o = after(0.0)
    for _ in range(PASSES):
        o, before = after(o), o
        if abs(o - before) <= STEADY * o:
            break
    return float(ndtr(-np.sqrt(o)))
