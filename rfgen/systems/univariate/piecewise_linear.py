"""Continuous piecewise-linear functions of one variable: through samples by chords, and their distances.

A lower bound on the cost of every interpolant: for eta continuous, linear between data points, 0 at
both ends and |eta(x)| <= sqrt(1 + x^2), every f through the data has

    int |f''| sqrt(1 + x^2) >= int f'' eta = sum_i bends_i eta(x_i).

With eta(x_i) = sqrt(1 + x_i^2) cos omega_i, omega in [0, pi], the bound holds on an interval of angle D if
D <= omega_i + omega_{i+1} <= 2 pi - D; else it is exceeded by the factor F at most,

    F^2 - 1 = 4 sin((s + D)/2) sin((s - D)/2) sin((d + D)/2) sin((d - D)/2) / sin^2 D,     s, d = omega_i +- omega_{i+1},

and eta / F is feasible (derived).  Equations: theory (12.6).
"""

__all__ = ["PiecewiseLinear", "Samples", "certificate_gap", "distance", "least_cost", "linear_spline", "samples"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation


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


@dataclass(frozen=True, eq=False)
class Samples:
    """`x`, `y` (n,), x ascending without repetition; `chords` (n - 1,): slopes between neighbours.

    `bends` (n,): change of slope at each point, 0 at both ends; `lengths` (n,): |bends| sqrt(1 + x^2), the cost of a kink
    at the point; `angles` (n - 1,): differences of arctan x between neighbours, to full relative precision.
    """

    x: np.ndarray
    y: np.ndarray
    chords: np.ndarray
    bends: np.ndarray
    lengths: np.ndarray
    angles: np.ndarray


def samples(x: Any, y: Any) -> Samples:
    """Check, sort, and merge points given twice.

    >>> samples([1.0, 0.0, 3.0, 1.0], [1.0, 0.0, 7.0, 1.0]).bends
    array([0., 2., 0.])
    """
    x, y = validation.array("x", x, 1), validation.array("y", y, 1)
    if x.shape != y.shape:
        raise ValueError(f"y must have one entry per entry of x, got shapes {x.shape} and {y.shape}")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    same = x[1:] == x[:-1]
    torn = same & (y[1:] != y[:-1])
    if torn.any():
        at = int(np.argmax(torn))
        raise ValueError(f"x must not repeat with different y, got y = {y[at]} and {y[at + 1]} at x = {x[at]}")
    kept = np.append(True, ~same)
    x, y = x[kept], y[kept]
    with np.errstate(over="ignore", invalid="ignore"):  # said below
        gaps = np.diff(x)
        chords = np.diff(y) / gaps
        bends = np.concatenate([[0.0], np.diff(chords), [0.0]])[: x.size]
        norms = np.hypot(1.0, x)
        lengths = np.abs(bends) * norms
        total = lengths.sum()
    if not (np.isfinite(gaps).all() and np.isfinite(chords).all() and np.isfinite(total)):
        raise ValueError(
            "x and y must have finite slopes: some neighbours of x are too close, or some values too large, for their "
            f"slopes to be doubles, got gaps down to {gaps.min():.3g} and |y| up to {np.abs(y).max():.3g}"
        )
    across = gaps / norms[1:] / norms[:-1]
    along = (1.0 / norms[1:]) / norms[:-1] + (x[1:] / norms[1:]) * (x[:-1] / norms[:-1])
    return Samples(x, y, chords, bends, lengths, np.arctan2(across, along))


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


def linear_spline(x: Any, y: Any) -> PiecewiseLinear:
    """Connect the dots (x, y), both (n,), in any order; a point given twice counts once, one point gives a constant.

    It has the least int |f''| of all interpolants, as many others have; `certificate_gap` is about the cost weighted by
    sqrt(1 + x^2), of which `min_norm_interpolant` has the least: no interpolant costs less than 1 - certificate_gap of it.

    Errors: ValueError for entries that are not finite, for one x with two y, and where slopes overflow.

    >>> spline = linear_spline([0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 1.0, 3.0])
    >>> spline([1.5]), spline.knots, spline.slopes
    (array([0.5]), array([1., 2.]), array([0., 1., 2.]))
    """
    data = samples(x, y)
    bent = data.bends != 0.0
    slopes = data.chords[np.append(True, bent[1:-1])] if data.x.size > 1 else np.zeros(1)
    cost = float(data.lengths.sum())
    if data.x.size < 3:
        return PiecewiseLinear(np.zeros(0), slopes, data.x, data.y, 0.0, 0.0)
    signs = np.sign(data.bends)
    shared = np.where(signs[1:] == signs[:-1], data.angles, 0.0)
    # half of each neighbouring interval satisfies both; end points ask for a right angle less
    shared[[0, -1]] = np.maximum(2.0 * data.angles[[0, -1]] - np.pi, 0.0)
    psi = np.maximum(np.append(0.0, shared), np.append(shared, 0.0)) / 2
    return PiecewiseLinear(data.x[bent], slopes, data.x, data.y, cost, certificate_gap(data, psi, cost))


def distance(f: PiecewiseLinear, g: PiecewiseLinear | None = None, p: Any = 1.0) -> Any:
    """int |f - g|^p over [x_1, x_n], the nodes of `f`, exactly (no p-th root); `g` = None: the function 0.

    `p` > 0, a number or (powers,); a float or (powers,).  `g` must have data on all of [x_1, x_n]: beyond its data the mean
    over data sets is infinite for every p, end slopes being ratios with small gaps.

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
