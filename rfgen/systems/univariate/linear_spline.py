"""The interpolant that joins neighbouring points by lines."""

__all__ = ["linear_spline"]

from typing import Any

import numpy as np

from rfgen.systems.univariate.certificate import certificate_gap
from rfgen.systems.univariate.piecewise_linear import PiecewiseLinear
from rfgen.systems.univariate.samples import samples


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
