"""The Hermite energies of an activation that the smoothness of its random features depends on."""

__all__ = ["ActivationEnergies", "activation_energies"]

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.kernels.feature_maps import activation_function, activation_rule
from rfgen.problems.own_functions import differentiable

# Panels of 0.25 on [0, 12], and their mirror images: the activations in use are smooth but for a kink at 0.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
PANELS = np.linspace(0.0, 12.0, 49)
# Shares of E[activation^2] that are rounding.
ROUNDING = 1e-20


@record
class ActivationEnergies:
    """Energies c_j^2 in activation(z) = sum_j c_j He_j(z) / sqrt(j!), z standard normal, each a scalar ().

    `linear` c_1^2, `cubic` c_3^2, `rest` sum_{j > 3} c_j^2, `rest_slope` sum_{j > 3} j c_j^2, and of the even part
    `constant` c_0^2, `quadratic` c_2^2; `linear + 2 quadratic + 3 cubic + rest_slope` = E[activation'^2].
    """

    linear: Any
    cubic: Any
    rest: Any
    rest_slope: Any
    constant: Any = 0.0
    quadratic: Any = 0.0


def activation_energies(activation: str | Callable[[Any], Any]) -> ActivationEnergies:
    """The energies of a named activation or any continuous function of arrays that JAX can differentiate.

    Errors: ValueError if it jumps or is constant.

    >>> tanh = activation_energies("tanh")
    >>> round(tanh.linear, 6), round(tanh.cubic, 6), round(tanh.linear + 3 * tanh.cubic + tanh.rest_slope, 6)
    (0.366879, 0.022034, 0.464403)
    >>> relu = activation_energies("relu")
    >>> round(relu.constant * 2 * np.pi, 9), round(relu.linear, 9), round(relu.quadratic * 4 * np.pi, 9)
    (1.0, 0.25, 1.0)
    """
    return _energies(activation_rule("activation", activation))


@lru_cache(maxsize=64)
@double_precision
def _energies(activation: str | Callable[[Any], Any]) -> ActivationEnergies:
    function = differentiable("activation", activation_function(activation))
    middle, half = (PANELS[1:] + PANELS[:-1]) / 2, np.diff(PANELS) / 2
    z = (middle[:, None] + half[:, None] * NODES).ravel()
    weight = (half[:, None] * WEIGHTS).ravel() * np.exp(-z * z / 2) / np.sqrt(2.0 * np.pi)
    z, weight = np.append(z, -z), np.append(weight, weight)
    values = np.asarray(function(jnp.asarray(z)), np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # said below
        second = float(weight @ values**2)
    if not (np.isfinite(second) and second > 0.0):
        raise ValueError(f"activation must be finite and not 0 everywhere, got E[activation^2] = {second:g}")
    slope = np.asarray(jax.vmap(jax.grad(function))(jnp.asarray(z)), np.float64)
    degrees = (np.ones_like(z), z, (z**2 - 1.0) / 2.0**0.5, (z**3 - 3.0 * z) / 6.0**0.5)
    coefficients = [float(weight @ (values * polynomial)) for polynomial in degrees]
    for stein, expected in ((slope, coefficients[1]), (slope * z, 2.0**0.5 * coefficients[2])):
        if abs(weight @ stein - expected) > 1e-6 * second**0.5:
            raise ValueError(f"activation must be continuous to have gradients, got {activation!r}")
    constant, linear, quadratic, cubic = (c * c if c * c > ROUNDING * second else 0.0 for c in coefficients)
    rest = second - constant - linear - quadratic - cubic
    rest_slope = float(weight @ slope**2) - linear - 2.0 * quadratic - 3.0 * cubic
    small = rest <= 1e-13 * second  # rounding of the difference
    if second - constant <= 1e-13 * second:
        raise ValueError(f"activation must not be constant, got {activation!r}")
    return ActivationEnergies(linear, cubic, 0.0 if small else rest, 0.0 if small else rest_slope, constant, quadratic)
