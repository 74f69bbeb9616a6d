"""Frozen feature maps: random layers whose weights are drawn once and kept."""

__all__ = ["ACTIVATIONS", "RandomFeatureMap", "activation_function"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.precision import double_precision
from rfgen.problems import validation

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: jnp.maximum(x, 0.0),
    "tanh": jnp.tanh,
    "erf": jax.scipy.special.erf,
    "cos": jnp.cos,
    "sign": jnp.sign,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "linear": lambda x: x,
}


def activation_function(activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of a name, or the callable itself."""
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)} or a callable, got {activation!r}")
    return ACTIVATIONS[activation]


@dataclass(frozen=True)
class RandomFeatureMap:
    """`x -> activation(W x + b) / sqrt(features)` with Gaussian W of variance `weight_std^2 / inputs`, b of `bias_std^2`.

    Drawn from `seed` once the number of inputs is known; the same seed gives the same features.  `activation` is one of
    relu, tanh, erf, cos, sign, gelu, linear, or any callable on arrays.

    >>> import numpy as np
    >>> RandomFeatureMap(200, "tanh", seed=0)(np.ones((3, 5))).shape
    (3, 200)
    """

    features: int
    activation: str | Callable[[Any], Any] = "relu"
    seed: int = 0
    weight_std: float = 1.0
    bias_std: float = 0.0

    def __post_init__(self) -> None:
        """Validate."""
        validation.integer("features", self.features, 1)
        validation.positive("weight_std", self.weight_std, 0)
        validation.non_negative("bias_std", self.bias_std, 0)
        activation_function(self.activation)

    @cached_property
    def _key(self) -> jax.Array:
        return jax.random.key(self.seed, impl="threefry2x32")

    @double_precision
    def __call__(self, inputs: Any) -> np.ndarray:
        """Features (examples, features) of inputs (examples, ...), flattened."""
        rows = validation.array("inputs", inputs, tuple(range(2, 7)))
        x = jnp.asarray(rows.reshape(rows.shape[0], -1))
        weight_key, bias_key = jax.random.split(self._key)
        weights = jax.random.normal(weight_key, (x.shape[1], self.features), dtype=jnp.float64)
        biases = jax.random.normal(bias_key, (self.features,), dtype=jnp.float64) * self.bias_std
        hidden = x @ weights * (self.weight_std / x.shape[1] ** 0.5) + biases
        return np.asarray(activation_function(self.activation)(hidden)) / self.features**0.5
