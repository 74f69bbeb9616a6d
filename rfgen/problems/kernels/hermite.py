"""The Hermite split of an activation on Gaussian pre-activations u ~ N(0, q).

    activation(u) = c_0 + c_1 u / sqrt(q) + rest(u),       c_j = E[activation(sqrt(q) z) He_j(z)] / sqrt(j!)

Two pre-activations of correlation r have E[rest(u) rest(u')] = nu(r) = sum_{j >= 2} c_j^2 r^j.  For r >= 0 this is
E_z[E_e[rest(sqrt(q) (sqrt(r) z + sqrt(1 - r) e))]^2] with independent normals z and e (Mehler): two quadratures whose
panels shrink towards the place where the argument is 0, the kink of ReLU and the step of sign, so that no series has to
converge.  Within 1e-14 of the arc-sine and arc-cosine kernels (derived).  Equations: theory (5.16).
"""

__all__ = ["HermiteSplit", "hermite_split"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.kernels.feature_maps import activation_function

# Beyond this many standard deviations a normal weighs 1e-32.
REACH = 12.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
# Squares of coefficients below this share of E[activation^2] are rounding.
ROUNDING = 1e-24


@dataclass(frozen=True)
class HermiteSplit:
    """`constant` c_0, `linear` c_1, `rest` nu(1), `shared` nu(correlation); c_0, c_1 signed."""

    constant: float
    linear: float
    rest: float
    shared: float


@lru_cache(maxsize=256)
@double_precision
def hermite_split(activation: str | Callable[[Any], Any], variance: float, correlation: float = 1.0) -> HermiteSplit:
    """The split at pre-activations of `variance`, two of which have `correlation` in [0, 1].

    >>> split = hermite_split("relu", 1.0)
    >>> round(split.constant * (2 * np.pi) ** 0.5, 12), round(split.linear, 12)
    (1.0, 0.5)
    """
    function, root, near = activation_function(activation), variance**0.5, min(correlation, 1.0)

    def at(z: np.ndarray) -> np.ndarray:
        return np.asarray(function(jnp.asarray(root * z)), np.float64)

    z, weight = _normal(np.zeros(1), 2.0 ** -np.arange(20))
    z, weight = z[0], weight[0]
    values = at(z)
    with np.errstate(over="ignore", invalid="ignore"):  # said below
        second = weight @ values**2
    if not np.isfinite(second):
        raise ValueError(f"activation must be finite, got E[activation^2] = {second:g} at variance {variance:g}")
    constant, linear = (c if c**2 > ROUNDING * second else 0.0 for c in (weight @ values, weight @ (values * z)))
    rest = weight @ (values - constant - linear * z) ** 2
    own, others = np.sqrt(near), np.sqrt(1.0 - near)
    zero = np.clip(-own * z / np.maximum(others, 1e-300), -REACH, REACH)
    e, inner = _normal(zero, 4.0 ** -np.arange(6))
    mean = np.sum(inner * at(own * z[:, None] + others * e), axis=1)
    shared = weight @ (mean - constant - linear * own * z) ** 2
    kept = (value if value > ROUNDING * second else 0.0 for value in (rest, shared))
    return HermiteSplit(float(constant), float(linear), *map(float, kept))


def _normal(centers: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights (centers, nodes) for the standard normal law, in panels that shrink by `sizes` to each center."""
    apart = np.concatenate([-sizes, [0.0], sizes]) * REACH
    fixed = np.array([-REACH, -6.0, -2.0, 2.0, 6.0, REACH])
    ends = np.concatenate([centers[:, None] + apart, np.broadcast_to(fixed, (centers.size, fixed.size))], axis=1)
    ends = np.sort(np.clip(ends, -REACH, REACH), axis=1)
    middle, half = (ends[:, 1:] + ends[:, :-1]) / 2, np.diff(ends, axis=1) / 2
    nodes = (middle[..., None] + half[..., None] * NODES).reshape(centers.size, -1)
    weights = (half[..., None] * WEIGHTS).reshape(centers.size, -1)
    return nodes, weights * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
