"""The risk of connecting noisy dots.  Equations: theory (12.8)."""

__all__ = ["spline_risk"]

import math
from typing import Any

import numpy as np

from rfgen.problems import validation

# On each half of [0, 1] the integrands are smooth; 32 nodes are exact to rounding for p up to 100.
MOST_POWER = 100
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


def spline_risk(p: Any = 1.0, noise: Any = 1.0, fresh: bool = False) -> Any:
    """Mean of |spline - f*|^p at a random place, for many samples of a smooth f* with Gaussian noise of variance `noise`.

    E|N|^p noise^(p/2) int_0^1 (u^2 + (1 - u)^2)^(p/2) du: between neighbours the error is (1 - u) e_i + u e_{i+1}.
    `fresh`: against a new noisy label there instead of f*, with 1 + u^2 + (1 - u)^2.  `p` > 0, a number or (powers,); an
    array or float.  Independent of the law of the inputs, as long as gaps and noise are independent (derived).

    >>> spline_risk([1.0, 2.0]).round(4), round(spline_risk(1.0, fresh=True), 4)
    (array([0.6476, 0.6667]), 1.0291)
    """
    powers, noise = validation.positive("p", p), float(validation.non_negative("noise", noise, 0))
    if (powers > MOST_POWER).any():
        raise ValueError(f"p must be at most {MOST_POWER}, got {powers.max():g}")
    u = (NODES + 1.0) / 4.0  # both halves are equal
    square = float(fresh) + u * u + (1.0 - u) ** 2
    found = []
    for power in np.atleast_1d(powers):
        moment = 2.0 ** (power / 2.0) * math.gamma((power + 1.0) / 2.0) / math.sqrt(math.pi)
        found.append(moment * noise ** (power / 2.0) * float(WEIGHTS @ square ** (power / 2.0)) / 2.0)
    return np.array(found) if powers.ndim else float(found[0])
