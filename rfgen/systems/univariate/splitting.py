"""The dual of one run of bends of equal sign, solved exactly.

Points j of the run bend by lengths r_j > 0 and lie at angles D_j apart.  A dual function bounded by sqrt(1 + x^2) is given
by its ratios cos psi_j to that bound at the points, and is feasible between two of them exactly where
psi_j + psi_{j+1} >= D_j.  To minimise is

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

__all__ = ["split"]

import math
from collections import deque
from collections.abc import Sequence


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
