"""Measured gradients of random-feature regression.  The Monte-Carlo twin of `rfgen.systems.sensitivity.theory`."""

__all__ = ["SensitivityRuns", "sensitivity"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.kernels.feature_maps import activation_function, activation_rule
from rfgen.problems.own_functions import differentiable
from rfgen.systems.relu_students.relu_networks import seed_keys

# Fresh inputs at which each trained model is measured: gradients differ by 6 % between inputs, models by more.
POINTS = 400
# Means over one normal variable, for the linear part.
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


@dataclass(frozen=True)
class SensitivityRuns:
    """Measures of every trial (trials,): `squared_gradient` E|grad f|^2, `linear` |E grad f|^2, `norm` of the weights
    squared, `test` risk with label noise.
    """

    squared_gradient: np.ndarray
    linear: np.ndarray
    norm: np.ndarray
    test: np.ndarray

    def summary(self, name: str) -> tuple[float, float]:
        """Mean over trials and its standard error."""
        values = getattr(self, name)
        return float(np.mean(values)), float(np.std(values, ddof=1) / values.size**0.5)


@double_precision
def sensitivity(
    activation: str | Callable[[Any], Any], dim: Any, n: Any, features: Any, ridge: Any = 0.0, signal: Any = 1.0,
    noise: Any = 0.0, trials: Any = 20, seed: Any = 0,
) -> SensitivityRuns:
    """Fit `trials` >= 2 draws of inputs, labels and features, by minimum norm at ridge 0; arguments as in the theory.

    Any activation that JAX differentiates.  A trial depends on `seed` and its number alone.

    >>> runs = sensitivity("tanh", dim=20, n=40, features=100, noise=0.1, trials=3)
    >>> runs.squared_gradient.shape, bool((runs.squared_gradient > runs.linear).all())
    ((3,), True)
    """
    sizes = tuple(validation.integer(name, value, 1) for name, value in (("dim", dim), ("n", n), ("features", features)))
    trials = validation.integer("trials", trials, 2)
    numbers = (validation.non_negative(*pair, 0) for pair in (("ridge", ridge), ("signal", signal), ("noise", noise)))
    function = differentiable("activation", activation_function(activation_rule("activation", activation)))
    fixed = (*(jnp.asarray(number) for number in numbers), *sizes, function)
    found = np.array([_trial(key, *fixed) for key in seed_keys(trials, seed)])
    return SensitivityRuns(*found.T)


@partial(jax.jit, static_argnames=("dim", "n", "features", "function"))
def _trial(
    key: Array, ridge: Array, signal: Array, noise: Array, dim: int, n: int, features: int, function: Callable[..., Any]
) -> Array:
    """Squared gradient, linear part, norm and test risk, (4,)."""

    def slope(values: Array) -> Array:
        return jax.jvp(function, (values,), (jnp.ones_like(values),))[1]

    # one draw for all: compiling another takes longer than using it
    shapes = ((n, dim), (n,), (dim, features), (POINTS, dim))
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = jnp.split(jax.random.normal(key, (int(cuts[-1]),), jnp.float64), cuts[:-1])
    inputs, errors, layer, points = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
    layer = layer / dim**0.5
    # the law of inputs and layer has no direction: any beta of this length will do
    beta = jnp.zeros(dim, jnp.float64).at[0].set(jnp.sqrt(signal))
    labels = inputs @ beta + jnp.sqrt(noise) * errors
    weights = _fitted(function(inputs @ layer) / features**0.5, labels, ridge) / features**0.5
    hidden = points @ layer
    gradients = (slope(hidden) * weights) @ layer.T
    lengths = jnp.sqrt(jnp.sum(layer * layer, axis=0))
    mean_slope = slope(lengths[:, None] * NODES) @ (WEIGHTS / np.sqrt(2.0 * np.pi))
    linear = layer @ (weights * mean_slope)
    missed = function(hidden) @ weights - points @ beta
    measures = (
        jnp.mean(jnp.sum(gradients * gradients, axis=1)), jnp.sum(linear * linear), features * jnp.sum(weights * weights),
        jnp.mean(missed * missed) + noise,
    )
    return jnp.stack(measures)


def _fitted(design: Array, labels: Array, ridge: Array) -> Array:
    """Weights of ridge regression; directions below rounding are not fitted."""
    wide = design.shape[0] <= design.shape[1]
    values, vectors = jnp.linalg.eigh(design @ design.T if wide else design.T @ design)
    rounding = max(design.shape) * jnp.finfo(design.dtype).eps * values[-1]
    gains = jnp.where(values > rounding, 1.0 / jnp.where(values > rounding, values + ridge, 1.0), 0.0)
    if wide:
        return design.T @ (vectors @ (gains * (vectors.T @ labels)))
    return vectors @ (gains * (vectors.T @ (design.T @ labels)))
