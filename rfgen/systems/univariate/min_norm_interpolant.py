"""The interpolant of least norm among two-layer ReLU networks of one input.

The dual of one run of bends of equal sign is solved exactly.  Points j of the run bend by lengths r_j > 0 and lie at
angles D_j apart.  A dual function bounded by sqrt(1 + x^2) is given by its ratios cos psi_j to that bound at the
points, and is feasible between two of them exactly where psi_j + psi_{j+1} >= D_j.  To minimise is

    sum_j r_j (1 - cos psi_j)      over psi >= 0,  psi_j + psi_{j+1} >= D_j,  and psi >= `least` at the last point.

Equality holds where an interval has a kink: it lies psi_j beyond point j and psi_{j+1} before the next, so neighbouring
kinks are mirror images in the point between them, measured in angles.

Let V_j(psi) be the least of the first j terms, given psi_j = psi, and psi*_j where it is least.  Then

    V_{j+1}(psi) = r_{j+1} (1 - cos psi) + V_j(max(psi*_j, D_j - psi)).

In the coordinate tau = o_j +- psi_j, whose sign changes from point to point, the derivative of V_j is piecewise
sum_{i = k..j} r_i sin(tau - o_i), the pieces differing in k alone.  A step adds one piece at the far end and takes some
from the near end, so a run is solved in time proportional to its length, without iteration (derived).
Equations: theory (12.7).
"""

__all__ = ["min_norm_interpolant", "split"]

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from rfgen.systems.univariate.piecewise_linear import PiecewiseLinear, Samples, certificate_gap, samples


def min_norm_interpolant(x: Any, y: Any) -> PiecewiseLinear:
    """The function f through all (x, y) of least cost int |f''(x)| sqrt(1 + x^2) dx.

    That is the least sum of |output weight| |(input weight, bias)| of a two-layer ReLU network that interpolates, its
    affine part free.  The minimiser is unique.  `x`, `y` (n,), n >= 1, in any order; a point given twice counts once.

    Where the chords' change of slope keeps its sign from one point to the next, the bends of both may merge into one kink
    between them; elsewhere f is the chord.  How each point's bend is divided between its neighbours is solved exactly
    (`split`), in time proportional to n after sorting: 20,000 points in about 0.1 s.  If -1/x of an end point lies
    in its interval, that interval may have a kink too, at -1/x.

    `certificate_gap` is proven apart from the solution, by a feasible point of the dual; rounding leaves about 1e-15.

    Errors: ValueError for entries that are not finite, for one x with two y, and where slopes overflow.
    Source: the cost is that of arXiv 2307.15396 with biases penalised; solution derived.

    >>> f = min_norm_interpolant([0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 1.0, 3.0])
    >>> f.knots, f.slopes, f([0.0, 1.0, 2.0, 3.0])
    (array([1.5]), array([0., 2.]), array([0., 0., 1., 3.]))
    >>> f.certificate_gap < 1e-12
    True
    """
    data = samples(x, y)
    # at most one end interval spans more than a right angle; from here on it is the last
    mirrored = data.x.size > 2 and bool(data.angles[0] > np.pi / 2)
    seen = _mirror(data) if mirrored else data
    psi, before, behind = _bends(seen)
    if mirrored:
        psi, before, behind = psi[::-1], behind[::-1], before[::-1]
    return _function(data, psi, before, behind)


def _mirror(data: Samples) -> Samples:
    """The data seen from the other side, x -> -x."""
    backwards = (each[::-1] for each in (data.y, -data.chords, data.bends, data.lengths, data.angles))
    return Samples(-data.x[::-1], *backwards)


def _bends(data: Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angles psi of the dual (n,), and the bends that the points before and behind each interval give to it, (n - 1,)."""
    n = data.x.size
    psi, left = np.zeros(n), np.zeros(n)
    if n < 3:
        return psi, np.zeros(n - 1), np.zeros(n - 1)
    bends, lengths, angles = data.bends, data.lengths, data.angles
    least = angles[-1] - np.pi / 2
    bent = bends != 0.0
    joined = bent[1:] & bent[:-1] & ((bends[1:] > 0.0) == (bends[:-1] > 0.0))
    starts = np.flatnonzero(bent & np.append(True, ~joined))
    ends = np.flatnonzero(bent & np.append(~joined, True))
    points = ends - starts + 1
    open_end = (ends == n - 2) & (least > 0.0)
    # two points share one kink, at their barycentre
    pairs = starts[(points == 2) & ~open_end]
    first, second, angle = lengths[pairs], lengths[pairs + 1], angles[pairs]
    psi[pairs] = np.arctan2(second * np.sin(angle), first + second * np.cos(angle))
    psi[pairs + 1] = np.arctan2(first * np.sin(angle), second + first * np.cos(angle))
    left[pairs + 1] = 1.0
    for run in np.flatnonzero((points > 2) | open_end):
        start, stop = int(starts[run]), int(ends[run]) + 1
        scaled = lengths[start:stop] / lengths[start:stop].max()
        end = float(least) if open_end[run] else 0.0
        psi[start:stop], left[start:stop] = split(scaled.tolist(), angles[start : stop - 1].tolist(), end)
    before, behind = (bends * (1.0 - left))[:-1], (bends * left)[1:]
    if before[-1] != 0.0 and least > 0.0:
        # the kink at -1/x_n: the line behind it passes through the last point
        x, last = data.x[-2], data.x[-1]
        norm = np.hypot(1.0, last)  # whose square overflows
        behind[-1] = -before[-1] * (1.0 / norm / norm + (x / norm) * (last / norm))
    return psi, before, behind


def _function(data: Samples, psi: np.ndarray, before: np.ndarray, behind: np.ndarray) -> PiecewiseLinear:
    """The function whose kink in each interval is the barycentre of these bends at its ends."""
    x, y = data.x, data.y
    gaps, mass = np.diff(x), before + behind
    kinked = mass != 0.0
    share = np.divide(behind, mass, out=np.zeros_like(mass), where=kinked)
    # from the chord, whose height is known without the kink's rounded place
    heights = y[:-1] + share * np.diff(y) - before * share * gaps
    places = x[:-1] + share * gaps
    cost = float(np.hypot(mass, before * x[:-1] + behind * x[1:]).sum())
    inside = kinked & (places > x[:-1]) & (places < x[1:])
    order = np.argsort(np.concatenate([x, places[inside]]), kind="stable")
    nodes, values = np.concatenate([x, places[inside]])[order], np.concatenate([y, heights[inside]])[order]
    knots = places[kinked]
    first = data.chords[:1] - before[:1] if x.size > 1 else np.zeros(1)
    slopes = np.append(first, (data.chords + behind)[kinked])
    # kinks that round to one place are one
    distinct = np.append(np.diff(knots) > 0.0, True)[: knots.size]
    slopes = slopes[np.append(True, distinct)]
    gap = certificate_gap(data, psi, cost)
    return PiecewiseLinear(knots[distinct], slopes, nodes, values, cost, gap)


def split(lengths: Sequence[float], angles: Sequence[float], least: float = 0.0) -> tuple[list[float], list[float]]:
    """The angles psi of the dual, and the share of each point's bend that joins the kink to its left, both (points,).

    `lengths` (points,) > 0, `angles` (points - 1,) > 0, below pi in all.  The first point's share is 0; of the last one 1,
    unless `least` > 0 leaves some of it to the interval behind.

    >>> psi, left = split([1.0, 1.0, 1.0, 1.0], [0.2, 0.2, 0.2])
    >>> [round(one, 12) for one in psi], [round(one, 12) for one in left]
    ([0.1, 0.1, 0.1, 0.1], [0.0, 1.0, 0.0, 1.0])
    """
    psi, lowest = _angles(lengths, angles, least)
    left, pull = [0.0] * len(psi), 0.0
    for j, length in enumerate(lengths):
        whole = length * math.sin(psi[j])
        # only the kink of the interval behind lifts psi_j above its own optimum
        right = max(whole - pull, 0.0) if psi[j] > lowest[j] else 0.0
        if j:
            left[j] = min(pull / whole, 1.0) if right > 0.0 else 1.0
        pull = right
    return psi, left


def _angles(lengths: Sequence[float], angles: Sequence[float], least: float) -> tuple[list[float], list[float]]:
    """psi at the optimum, and psi* of each point without those behind it."""
    offset, sign = 0.0, 1.0
    cosine, sine = lengths[0], 0.0
    # ascending in tau: the sums up to where each piece begins, and the limits between neighbours
    pieces, limits = deque([(0.0, 0.0)]), deque[float]()
    lowest, zero = [0.0], 0.0
    for j, angle in enumerate(angles):
        length = lengths[j + 1]
        room = angle - lowest[j]
        if room <= 0.0:  # nothing is gained by a kink here: begin anew
            offset, sign, zero = 0.0, 1.0, 0.0
            cosine, sine = length, 0.0
            pieces, limits = deque([(0.0, 0.0)]), deque()
            lowest.append(0.0)
            continue
        offset, sign = offset + sign * angle, -sign
        up = sign > 0.0
        (pieces.append if up else pieces.appendleft)((cosine, sine))
        (limits.append if up else limits.appendleft)(zero)
        cosine, sine = cosine + length * math.cos(offset), sine + length * math.sin(offset)
        near = 0 if up else -1
        while limits:
            before, limit = pieces[near], limits[near]
            slope = (cosine - before[0]) * math.sin(limit) - (sine - before[1]) * math.cos(limit)
            if sign * slope >= 0.0:
                break
            (pieces.popleft if up else pieces.pop)()
            (limits.popleft if up else limits.pop)()
        before = pieces[near]
        zero = math.atan2(sine - before[1], cosine - before[0])
        lowest.append(min(max(sign * (zero - offset), 0.0), room))
        zero = offset + sign * lowest[-1]
    psi = list(lowest)
    psi[-1] = max(psi[-1], least)
    for j in range(len(angles) - 1, -1, -1):
        psi[j] = max(lowest[j], angles[j] - psi[j + 1])
    return psi, lowest
