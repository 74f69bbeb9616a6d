"""A lower bound on the cost of every interpolant.

For eta continuous, linear between data points, 0 at both ends and |eta(x)| <= sqrt(1 + x^2), every f through the data has

    int |f''| sqrt(1 + x^2) >= int f'' eta = sum_i bends_i eta(x_i).

With eta(x_i) = sqrt(1 + x_i^2) cos omega_i, omega in [0, pi], the bound holds on an interval of angle D if
D <= omega_i + omega_{i+1} <= 2 pi - D; else it is exceeded by the factor F at most,

    F^2 - 1 = 4 sin((s + D)/2) sin((s - D)/2) sin((d + D)/2) sin((d - D)/2) / sin^2 D,     s, d = omega_i +- omega_{i+1},

and eta / F is feasible (derived).  Equations: theory (12.6).
"""

__all__ = ["certificate_gap", "least_cost"]

import numpy as np

from rfgen.systems.univariate.samples import Samples


def least_cost(data: Samples, psi: np.ndarray) -> float:
    """A cost below that of every interpolant, from `psi` (n,), the angles arccos(|eta| / sqrt(1 + x^2)) at bent points.

    Best where eta touches its bound at the kinks; any `psi` in [0, pi] is made feasible.
    """
    if data.x.size < 3:
        return 0.0
    bent, angles = data.bends != 0.0, data.angles
    omega = np.where(bent, np.where(data.bends > 0.0, psi, np.pi - psi), np.pi / 2)
    # where nothing bends eta is free: as near 0 as the neighbours allow; at the ends it is 0
    low = np.maximum(np.append(0.0, angles - omega[:-1]), np.append(angles - omega[1:], 0.0))
    high = 2.0 * np.pi - np.maximum(np.append(0.0, angles + omega[:-1]), np.append(angles + omega[1:], 0.0))
    free = ~bent
    free[[0, -1]] = False
    omega = np.where(free, np.clip(np.pi / 2, low, np.maximum(low, high)), omega)
    total, apart = omega[1:] + omega[:-1], omega[1:] - omega[:-1]
    outside = (total < angles) | (total > 2.0 * np.pi - angles)
    total, apart, angles = total[outside], apart[outside], angles[outside]
    sines = [np.sin((one + sign * angles) / 2) for one in (total, apart) for sign in (1, -1)]
    # a square of sin D is 0 for points at 1e188
    excess = 4.0 * (sines[0] / np.sin(angles)) * (sines[1] / np.sin(angles)) * sines[2] * sines[3]
    factor = np.sqrt(1.0 + excess.max(initial=0.0))
    return float(data.lengths @ np.cos(psi)) / float(factor)


def certificate_gap(data: Samples, psi: np.ndarray, cost: float) -> float:
    """The share by which `cost` may exceed the least possible, at most; 0 for a line, 1 where nothing is proven."""
    if cost == 0.0:
        return 0.0
    share = least_cost(data, psi) / cost
    return max(0.0, 1.0 - share) if np.isfinite(share) else 1.0
