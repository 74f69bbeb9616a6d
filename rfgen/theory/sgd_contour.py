"""A contour on which the moments of stochastic gradient descent stay bounded at every step of a run."""

__all__ = ["moment_contour", "moment_error"]

import math

import numpy as np

from rfgen.numerics.contours import Curve, lens
from rfgen.theory.second_moments import Iteration, MomentNodes, second_moments
from rfgen.theory.sgd_stability import radius

# log of what moments may grow to at the vertex, and anywhere.
VERTEX, BOUND = 3.0, 9.0
NO_RIDGE = 1e-9
# Contours for fewer steps go so far out that they enclose the poles of slow growth.
LEAST_STEPS = 1000
WIDEST, NARROWEST = 0.6, 0.6 * 0.8**14


def moment_contour(iteration: Iteration, edge: float, steps: int, refined: bool) -> Curve | None:
    """The widest lens round [0, `edge`] on which no moment grows beyond a constant within `steps`; None if none does.

    `refined`: whether the recursion has its multiplicative term.  At unstable settings moments may grow as they do at
    the edge itself.
    """
    steps = max(steps, LEAST_STEPS)

    def growth(zeta: np.ndarray) -> np.ndarray:
        return steps * np.log(radius(iteration, zeta, zeta**2 if refined else 0.0 * zeta))

    # the vertex: moments grow by e^3 in the run
    left = edge
    while growth(np.array([-left + 0j]))[0] > VERTEX:
        left /= 2.0
    low, high = left, 2.0 * left
    for _ in range(20):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if growth(np.array([-middle + 0j]))[0] <= VERTEX else (low, middle)
    left = low
    if float(iteration.ridge) > NO_RIDGE * edge:
        # at -ridge sums over all steps are singular; the midpoint rule needs room (ridge/2: errors of 1e-6)
        left = min(left, 0.2 * float(iteration.ridge))
    # the corner: at most twice the edge, and where moments hardly outgrow those at the edge
    limit = max(0.0, float(growth(np.array([edge + 0j]))[0])) + VERTEX
    points = edge * (1.0 + np.geomspace(1e-7, 1.0, 120))
    allowed = points[np.cumprod(growth(points + 0j) <= limit, dtype=bool)]
    reach = allowed[-1] if allowed.size else points[0]
    right = reach if reach == points[-1] else 0.5 * (edge + reach)
    bound = BOUND + limit
    angle = WIDEST
    while angle > NARROWEST:
        outer = lens(left, right, 1.5 * angle).nodes
        if growth(outer).max() < bound:
            return lens(left, right, angle)
        angle *= 0.8
    return None


def moment_error(
    iteration: Iteration, curve: Curve, edge: float, times: np.ndarray, mean: np.ndarray, window: int | None
) -> np.ndarray:
    """Largest error (times,) of the contour for lambda mean(lambda)^2 at real lambda up to `edge`, in units of `edge`: of a
    share of the untrained risk.

    `mean` (times, nodes) as of `second_moments` on the contour.
    """
    at = edge * np.append(np.geomspace(1e-7, 0.5, 16), [0.8, 0.95, 0.999])
    zeros, none = np.zeros((1, at.size)), np.zeros(at.size)
    table = MomentNodes(at, zeros, none, none, none, zeros, np.zeros((1, 1)))
    with np.errstate(over="ignore", invalid="ignore"):
        exact = at * second_moments(iteration, table, times, window).mean ** 2
        found = 2.0 * np.real((-curve.weights * curve.nodes * mean**2) @ (1.0 / (at - curve.nodes[:, None])))
        error = np.max(np.abs(found - exact), axis=1) / edge
    return np.where(np.isnan(error), np.inf, error)
