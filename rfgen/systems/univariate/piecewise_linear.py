"""Continuous piecewise-linear functions of one variable."""

__all__ = ["PiecewiseLinear"]

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class PiecewiseLinear:
    """A continuous function with kinks at `knots` (knots,), and `slopes` (knots + 1,) before, between and after them.

    Its graph joins `nodes` (nodes,), ascending, at heights `values` (nodes,): data points and knots.  Slopes are kept
    beside the heights, from which differences over a gap of 1e-12 would not give them back.  Beyond the nodes the end
    slopes go on.

    `cost` = int |f''(x)| sqrt(1 + x^2) dx, the sum over knots of |change of slope| sqrt(1 + knot^2).  `certificate_gap`
    >= 0: no function through the data costs less than `cost * (1 - certificate_gap)`, proven by a dual feasible point.

    >>> knot, slopes, nodes, values = (np.array(each) for each in ([1.0], [0.0, 2.0], [0.0, 1.0], [3.0, 3.0]))
    >>> PiecewiseLinear(knot, slopes, nodes, values, cost=8**0.5, certificate_gap=0.0)([-1.0, 1.0, 2.0])
    array([3., 3., 5.])
    """

    knots: np.ndarray
    slopes: np.ndarray
    nodes: np.ndarray
    values: np.ndarray
    cost: float
    certificate_gap: float

    def __call__(self, x: Any) -> np.ndarray:
        """Values at `x`, of any shape."""
        x = np.asarray(x, np.float64)
        first, last = self.nodes[0], self.nodes[-1]
        beyond = self.slopes[-1] * np.maximum(x - last, 0.0) - self.slopes[0] * np.maximum(first - x, 0.0)
        return np.interp(x, self.nodes, self.values) + beyond

    def __repr__(self) -> str:
        """Size, range and cost in one line."""
        return (
            f"PiecewiseLinear({self.knots.size} knots, nodes in [{self.nodes[0]:.4g}, {self.nodes[-1]:.4g}], "
            f"cost={self.cost:.6g}, certificate_gap={self.certificate_gap:.1e})"
        )
