"""Contours round a real spectrum, on which functions of a matrix are sums over resolvents.

    g(S) = sum_j -g(zeta_j) D_j (S - zeta_j)^-1,     D_j = dzeta_j / (2 pi i), counter-clockwise round the spectrum

Only the nodes of the upper half plane are kept; those of the lower one are their conjugates.

`lens`, in the plane of the spectrum itself: from a vertex left of 0 to a corner right of the upper edge, nodes dense at
both ends, for functions that must be right at all times from 0 to a given one; midpoint rule in u of a hyperbola, cosh(u +
i a).

Two shapes, in the plane of a decay factor r per unit of the clock (r^t is what decays, r = e^-s):
`decaying`, the parabola s = (c/t)(u^2 - 1 + b i u), open to the right, serves all t of one decade; midpoint rule.
`circle`, |r| = e^(c/t), closed, serves all whole t up to the given one, by the trapezoidal rule.

(Derived.)  Both were measured on g(x) = (1 - psi_t(x))/x: 1e-14 for 96 nodes of the parabola, 4e-11 for 64.
Equations: theory (6.4) and (6.5).
"""

__all__ = ["Curve", "circle", "closed", "decaying", "filter_weights", "lens", "scalar_error"]

from dataclasses import dataclass

import numpy as np

# (c, b, U): the parabola's vertex, opening and end; best for clocks between t/10 and t, by direct search.
PARABOLA, COARSE_PARABOLA = (4.186, 1.87, 8.36), (4.141, 1.79, 7.114)
NODES, COARSE_NODES = 48, 32
DECADE = 10.0
# log of the largest modulus on a circle, and nodes for each step of the clock: e^-38 of aliasing (e^-30 where coarse).
AMPLITUDE = 6.0
PER_STEP, COARSE_PER_STEP = 6.3, 5.0
# The lens: log of the error of its midpoint rule.
LENS_DIGITS = 33.0
# Height over width of the ellipse, and Gauss-Legendre points of each of its panels.
ASPECT, PANEL = 0.4, 16


@dataclass(frozen=True)
class Curve:
    """Nodes (nodes,) in the upper half of the plane of s or r, and their weights (nodes,): d/(2 pi i), counter-clockwise
    round the real numbers from 0 (s) or round the unit disk (r).
    """

    nodes: np.ndarray
    weights: np.ndarray


def decaying(clock: float, coarse: bool = False) -> Curve:
    """The parabola in s that serves e^(-s t) for t from `clock`/10 to `clock`, the lowest node first."""
    (c, b, end), count = (COARSE_PARABOLA, COARSE_NODES) if coarse else (PARABOLA, NODES)
    step = end / count
    u = step * (np.arange(count) + 0.5)
    nodes = c / clock * (u * u - 1.0 + 1j * b * u)
    # upwards on the left is clockwise
    return Curve(nodes, -c / clock * (2.0 * u + 1j * b) * step / (2j * np.pi))


def circle(clock: float, coarse: bool = False) -> Curve:
    """The circle in r that serves r^t for whole t up to `clock`, from the right to the left."""
    count = int((COARSE_PER_STEP if coarse else PER_STEP) * max(clock, 1.0) / 2.0) + 16
    angle = np.pi * (np.arange(count) + 0.5) / count
    nodes = np.exp(AMPLITUDE / max(clock, 1.0) + 1j * angle)
    return Curve(nodes, nodes / (2.0 * count))


def closed(clock: float, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (nodes,) and weights (nodes,) of an ellipse round the real numbers from 0 to `edge`, for functions that grow as
    e^(-zeta t) does, t from 0 to `clock`: its left end, where nodes are dense, is at -2/clock.
    """
    left, right = -2.0 / max(clock, 1.0 / edge), 1.3 * edge
    middle, half = 0.5 * (left + right), 0.5 * (right - left)
    turn = 8.0 / (ASPECT * half * max(clock, 1.0 / edge))  # a panel on which the phase of e^(-zeta t) turns by 8
    ends = [0.0]
    while ends[-1] < np.pi:
        forgotten = half * (1.0 - np.cos(ends[-1])) * clock > 45.0
        width = min(2.0 * (ends[-1] - ends[-2]), 0.4) if forgotten else turn
        ends.append(ends[-1] + min(width, 0.4))
    ends = np.array(ends) * (np.pi / ends[-1])
    points, shares = np.polynomial.legendre.leggauss(PANEL)
    angle = (ends[:-1, None] + np.diff(ends)[:, None] * (points + 1.0) / 2.0).ravel()
    step = (np.diff(ends)[:, None] * shares / 2.0).ravel()
    zeta = middle + half * (-np.cos(angle) + 1j * ASPECT * np.sin(angle))
    # from the left end over the top: clockwise
    return zeta, -half * (np.sin(angle) + 1j * ASPECT * np.cos(angle)) * step / (2j * np.pi)


def lens(left: float, right: float, angle: float) -> Curve:
    """A closed curve round the real numbers from 0 to somewhat below `right`, on which nodes lie the denser the nearer both
    ends: its vertex is at -`left`, its corner of half-angle `angle` (at most 0.6) at `right`.

    Serves functions that are bounded within twice the angle.  Nodes: 5.3 (33 + log(right/left)) / angle or so.
    """
    size = left / (1.0 - np.cos(angle))
    # the midpoint rule sees the spectrum `angle` away from the real u, and as much room on the other side
    step = 2.0 * np.pi * angle / LENS_DIGITS
    count = int((np.log(2.0 * right / size) + LENS_DIGITS) / step)
    u = step * (np.arange(count) + 0.5)
    turned = u + 1j * angle
    arm = size * (np.cosh(turned) - 1.0)
    slope = size * np.sinh(turned)
    # from the vertex over the top to the corner: clockwise
    return Curve(right * arm / (right + arm), -slope * (right / (right + arm)) ** 2 * step / (2j * np.pi))


def filter_weights(decay: np.ndarray, zeta: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """f (..., nodes) with (1 - psi(h))/h = sum_j f_j / (h - zeta_j), for psi = `decay` (..., nodes) on the curve.

    psi(0) = 1 and the curve goes round 0 as well, so the f of both half planes sum to 1.
    """
    return decay * weights / zeta


def scalar_error(filters: np.ndarray, zeta: np.ndarray, exact: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Largest error (...,) of h sum_j f_j/(h - zeta_j) against `exact` = 1 - psi(h) (..., points) at real h = `at` >= 0."""
    fractions = at / (at - zeta[:, None])
    return np.max(np.abs(2.0 * (filters @ fractions).real - exact), axis=-1)
