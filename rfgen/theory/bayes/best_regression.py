"""The least risk of regression whose target coefficients are drawn, normal of known variances, or sparse of known sizes.

Equations: theory (16.7) and (16.8).
"""

__all__ = ["SparseBest", "best_regression", "best_sparse"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.numerics.quadrature.gauss_panels import gauss_panels

PASSES, STEADY = 20_000, 1e-12


def best_regression(power: Any, multiplicity: Any, noise: Any, n: Any) -> float:
    """Least test risk, noise included, of targets whose coefficient in each mode is N(0, power).

    `power` and `multiplicity` (levels,); kernel regression whose eigenvalues are the power, and whose ridge is the noise:
    `noise = kappa (n - sum power / (power + kappa))`, risk n kappa.

    >>> round(best_regression([1.0], [50], 0.0, 25), 10)  # half of 50 equations
    25.0
    """
    power, multiplicity = np.asarray(power, np.float64), np.asarray(multiplicity, np.float64)
    if noise == 0.0 and n >= multiplicity[power > 0.0].sum():
        return 0.0

    def excess(kappa: float) -> float:
        return n - float(multiplicity @ (power / (power + kappa))) - noise / kappa

    high = (noise + float(multiplicity @ power)) / n * (1.0 + 1e-9)
    low = high * 1e-300 if noise == 0.0 else noise / n
    for _ in range(200):  # the excess rises with kappa
        middle = np.sqrt(low) * np.sqrt(high)
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
    return n * float(np.sqrt(low) * np.sqrt(high))


@dataclass(frozen=True)
class SparseBest:
    """`any_algorithm`, a bound on the test risk, and `reached`, what known fast algorithms come down to; noise included."""

    any_algorithm: float
    reached: float


def best_sparse(sizes: Any, counts: Any, noise: Any, n: Any, normal: bool = False) -> SparseBest:
    """Isotropic inputs and coefficients of known `sizes` (levels,), `counts` of them, at unknown places with unknown signs;
    or, `normal`, a share that is not 0 and N(0, their mean square): Bernoulli-Gaussian.

    Noise of an effective channel: n tau^2 = R = noise + dim mmse(tau^2), followed from above, what message passing reaches,
    and from below.  Where they differ it is hard to be as good as possible.

    >>> found = best_sparse([1.0, 0.0], [20, 980], 0.01, 400)
    >>> round(found.any_algorithm, 6), round(found.reached, 6)  # all is found, and the noise is left
    (0.01, 0.01)
    """
    sizes, counts = np.asarray(sizes, np.float64), np.asarray(counts, np.float64)
    total = noise + float(counts @ sizes**2)

    kept = sizes > 0.0
    share, power = counts[kept].sum() / counts.sum(), counts @ sizes**2 / max(counts[kept].sum(), 1e-300)

    def lost(variance: float) -> float:
        if normal:
            return _normal_channel_error(share, power, variance)
        return _channel_error(sizes, counts / counts.sum(), variance)

    def settle(risk: float) -> float:
        for _ in range(PASSES):
            after = noise + float(counts.sum()) * lost(risk / n)
            if abs(after - risk) <= STEADY * risk or after <= 1e-14 * total:
                return after
            risk = after
        return risk

    above, below = settle(total), settle(noise + 1e-6 * total)
    # of two steady states that of less free energy is the least risk; the lower one is a bound on it
    return SparseBest(float(min(above, below)), float(above))


def _channel_error(sizes: np.ndarray, shares: np.ndarray, variance: float) -> float:
    """Mean square error of the posterior mean of a coefficient seen through noise of this `variance`."""
    points, chance = np.concatenate([sizes, -sizes]), 0.5 * np.concatenate([shares, shares])
    deviation, error = np.sqrt(variance), 0.0
    for size, share in zip(sizes, shares, strict=True):
        marks = 0.5 * (points[:, None] + points[None, :]).ravel()
        z, measure = gauss_panels((marks - size) / deviation)
        seen = size + deviation * z
        depth = -0.5 * ((seen[:, None] - points) / deviation) ** 2
        weight = chance * np.exp(depth - depth.max(axis=1, keepdims=True))
        mean = weight @ points / weight.sum(axis=1)
        error += share * float(measure @ (mean - size) ** 2)
    return error


def _normal_channel_error(share: float, power: float, variance: float) -> float:
    """The same of a coefficient that is N(0, power) with chance `share`, else 0."""
    if share in (0.0, 1.0):
        return share * power * variance / (power + variance)
    total, error = power + variance, 0.0
    gain = power / total
    # the posterior turns from 0 to a coefficient about here, the more sharply the smaller the variance
    height = 2.0 * np.log((1.0 - share) / share) + np.log(total / variance)
    turn = np.sqrt(max(height, 0.0) / (1.0 / variance - 1.0 / total))
    width = variance / max(turn, np.sqrt(variance))
    marks = turn + width * np.linspace(-12.0, 12.0, 13)
    for chance, deviation in ((1.0 - share, np.sqrt(variance)), (share, np.sqrt(total))):
        z, measure = gauss_panels(np.concatenate([-marks, marks]) / deviation)
        seen = deviation * z
        odds = 0.5 * (seen**2 * (1.0 / variance - 1.0 / total) - height)
        real = 1.0 / (1.0 + np.exp(np.clip(-odds, -700.0, 700.0)))
        mean = gain * seen
        error += chance * float(measure @ (real * gain * variance + real * (1.0 - real) * mean**2))
    return error
