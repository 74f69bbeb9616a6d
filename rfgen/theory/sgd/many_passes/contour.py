"""A contour on which the moments of stochastic gradient descent stay bounded at every step of a run.

Equations: theory (7.8).
"""

__all__ = ["moment_contour", "moment_error"]

import math
from typing import Any

import numpy as np

from rfgen.numerics.quadrature.contours import Curve, lens
from rfgen.theory.sgd.stability import spectral_radius
from rfgen.theory.sgd.streaming.second_moments import Iteration, MomentNodes, second_moments

# log of what moments may grow to at the vertex, and anywhere.
VERTEX, BOUND = 3.0, 9.0
NO_RIDGE = 1e-9
# Contours for fewer steps go so far out that they enclose the poles of slow growth.
LEAST_STEPS = 1000
WIDEST, NARROWEST = 0.6, 0.6 * 0.8**14
# Steps of a schedule at which its growth is looked at, and how near to 0 the vertex may come, in units of the edge.
SAMPLED, SMALLEST = 65, 1e-30
# How far from 0 the vertex lies at most, in units of the edge.
FARTHEST = 0.3


def moment_contour(iteration: Iteration, edge: float, steps: int, refined: bool) -> Curve | None:
    """The widest lens round [0, `edge`] on which no moment grows beyond a constant within `steps`; None if none does.

    `refined`: whether the recursion has its multiplicative term.  At unstable settings moments may grow as they do at
    the edge itself.
    """
    scheduled = max(iteration.rate.shape[0], iteration.momentum.shape[0]) > 1
    steps = max(steps, 1 if scheduled else LEAST_STEPS)
    known = np.unique(np.linspace(0, steps - 1, SAMPLED).round().astype(int)) if scheduled else np.array([steps - 1])
    lengths = np.diff(np.append(-1, known))[:, None]

    def growth(zeta: Any) -> np.ndarray:
        """The largest log of the moments along the run; constant settings: at its end, which may be negative."""
        zeta = np.atleast_1d(np.asarray(zeta, complex))
        squares = zeta**2 if refined else 0.0 * zeta
        logs = np.cumsum(lengths * np.log([spectral_radius(iteration, zeta, squares, int(t)) for t in known]), axis=0)
        return np.max(logs, axis=0)

    # moments that weight decay lets grow by itself are no reason to go nearer
    limit = max(0.0, float(growth(0.0)[0])) + VERTEX
    # the vertex: moments grow by e^3 in the run
    left = FARTHEST * edge
    while growth(-left)[0] > limit and left > SMALLEST * edge:
        left /= 2.0
    low, high = left, min(2.0 * left, FARTHEST * edge)
    for _ in range(20):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if growth(-middle)[0] <= limit else (low, middle)
    left = low
    if float(iteration.ridge) > NO_RIDGE * edge:
        # at -ridge sums over all steps are singular; the midpoint rule needs room (ridge/2: errors of 1e-6)
        left = min(left, 0.2 * float(iteration.ridge))
    # the corner: at most twice the edge, and where moments hardly outgrow those at the edge
    limit = max(limit, float(growth(edge)[0]) + VERTEX)
    points = edge * (1.0 + np.geomspace(1e-7, 1.0, 120))
    allowed = points[np.cumprod(growth(points) <= limit, dtype=bool)]
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
