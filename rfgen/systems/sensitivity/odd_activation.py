"""The Hermite energies of odd activations that the smoothness of their random features depends on."""

__all__ = ["OddActivation", "odd_activation"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.precision import double_precision
from rfgen.problems.kernels.feature_maps import activation_function, activation_rule

# Panels of 0.25 on [0, 12]: the activations in use are smooth but for a kink at 0.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
PANELS = np.linspace(0.0, 12.0, 49)
# Shares of E[activation^2] that are rounding.
ROUNDING = 1e-20


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class OddActivation:
    """Energies c_j^2 in activation(z) = sum_j c_j He_j(z) / sqrt(j!), z standard normal, each a scalar ().

    `linear` c_1^2, `cubic` c_3^2, `rest` sum_{j > 3} c_j^2, `rest_slope` sum_{j > 3} j c_j^2; `linear + 3 cubic +
    rest_slope` = E[activation'^2].
    """

    linear: Any
    cubic: Any
    rest: Any
    rest_slope: Any


def odd_activation(activation: str | Callable[[Any], Any]) -> OddActivation:
    """The energies of "tanh", "erf", "linear" or any odd continuous function on arrays that JAX can differentiate.

    Errors: ValueError if it is not odd, jumps, or is 0.

    >>> tanh = odd_activation("tanh")
    >>> round(tanh.linear, 6), round(tanh.cubic, 6), round(tanh.linear + 3 * tanh.cubic + tanh.rest_slope, 6)
    (0.366879, 0.022034, 0.464403)
    """
    return _energies(activation_rule("activation", activation))


@lru_cache(maxsize=64)
@double_precision
def _energies(activation: str | Callable[[Any], Any]) -> OddActivation:
    function = activation_function(activation)
    middle, half = (PANELS[1:] + PANELS[:-1]) / 2, np.diff(PANELS) / 2
    z = (middle[:, None] + half[:, None] * NODES).ravel()
    weight = (half[:, None] * WEIGHTS).ravel() * np.exp(-z * z / 2) * np.sqrt(2.0 / np.pi)
    there, back = (np.asarray(function(jnp.asarray(sign * z)), np.float64) for sign in (1.0, -1.0))
    if there.shape != z.shape:
        raise ValueError(f"activation must keep the shape of its input, got {there.shape} from {z.shape}")
    second = float(weight @ (there**2 + back**2)) / 2
    if not (np.isfinite(second) and second > 0.0):
        raise ValueError(f"activation must be finite and not 0 everywhere, got E[activation^2] = {second:g}")
    if weight @ (there + back) ** 2 > ROUNDING * second:
        raise ValueError(
            f"activation must be odd, got {activation!r}: even parts correlate all features, which adds a direction of its "
            "own to the gradient that is not covered; centre the features, or use tanh or erf"
        )
    try:
        slope = np.asarray(jax.vmap(jax.grad(function))(jnp.asarray(z)), np.float64)
    except TypeError as error:  # of numpy functions
        raise ValueError(
            f"activation must be written with jax.numpy to be differentiated (jnp.tanh for np.tanh), got {activation!r}"
        ) from error
    first, third = weight @ (there * z), weight @ (there * (z**3 - 3.0 * z)) / 6.0**0.5
    if abs(weight @ slope - first) > 1e-6 * second**0.5:  # Stein's identity
        raise ValueError(f"activation must be continuous to have gradients, got {activation!r}")
    linear, cubic = (float(c * c) if c * c > ROUNDING * second else 0.0 for c in (first, third))
    rest, rest_slope = second - linear - cubic, float(weight @ slope**2) - linear - 3.0 * cubic
    small = rest <= 1e-13 * second  # rounding of the difference
    return OddActivation(linear, cubic, 0.0 if small else rest, 0.0 if small else rest_slope)
