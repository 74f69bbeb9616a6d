"""Distances between piecewise-linear functions."""

__all__ = ["distance"]

from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.systems.univariate.piecewise_linear import PiecewiseLinear


def distance(f: PiecewiseLinear, g: PiecewiseLinear | None = None, p: Any = 1.0) -> Any:
    """int |f - g|^p over [x_1, x_n], the nodes of `f`, exactly (no p-th root); `g` = None: the function 0.

    `p` > 0, a number or (powers,); a float or (powers,).  `g` must have data on all of [x_1, x_n]: beyond its data the mean
    over data sets is infinite for every p, end slopes being ratios with small gaps.

    >>> from rfgen.systems.univariate.linear_spline import linear_spline
    >>> distance(linear_spline([0.0, 1.0, 2.0], [-1.0, 1.0, 1.0]), p=[1.0, 2.0])
    array([1.5       , 1.33333333])
    """
    for name, function in (("f", f), ("g", g)):
        if not isinstance(function, PiecewiseLinear) and not (name == "g" and function is None):
            raise ValueError(f"{name} must be a PiecewiseLinear, got {type(function).__name__}")
    powers = validation.positive("p", p)
    nodes, heights = f.nodes, f.values
    if g is not None:
        if g.nodes[0] > nodes[0] or g.nodes[-1] < nodes[-1]:
            raise ValueError(
                f"g must have data on all of [{nodes[0]:g}, {nodes[-1]:g}], the nodes of f, got [{g.nodes[0]:g}, "
                f"{g.nodes[-1]:g}]"
            )
        inside = g.nodes[(g.nodes > nodes[0]) & (g.nodes < nodes[-1])]
        nodes = np.union1d(nodes, inside)
        heights = f(nodes) - g(nodes)
    size = np.abs(heights)
    larger, smaller = np.maximum(size[1:], size[:-1]), np.minimum(size[1:], size[:-1])
    crosses = heights[1:] * heights[:-1] < 0.0
    # mean of |u|^p along a line between heights b and a, |a| <= |b| = 1: (1 - a |a|^p) / ((p + 1) (1 - a)), which loses
    # digits where a is near 1
    ratio = np.divide(smaller, larger, out=np.zeros_like(larger), where=larger > 0.0)
    below = np.divide(larger - smaller, larger, out=np.ones_like(larger), where=larger > 0.0)
    apart = np.where(crosses, 1.0 + ratio, np.where(below > 0.0, below, 1.0))
    found = []
    for power in np.atleast_1d(powers) + 1.0:
        with np.errstate(divide="ignore"):  # log 0
            lost = -np.expm1(power * np.where(below < 0.5, np.log1p(-below), np.log(ratio)))
        lost = np.where(crosses, 2.0 - lost, np.where(below > 0.0, lost, power))
        found.append(float(np.sum(np.diff(nodes) * larger ** (power - 1.0) * lost / (power * apart))))
    return np.array(found) if powers.ndim else found[0]
