"""Frozen feature maps: random layers whose weights are drawn once and kept."""

__all__ = ["ACTIVATIONS", "RandomFeatureMap", "activation_function", "activation_rule"]

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.program import program
from rfgen.problems import validation
from rfgen.problems.own_functions import own_function, refusing
from rfgen.problems.rules import Rule, integer, number
from rfgen.problems.settings import Noun, setting

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: jnp.maximum(x, 0.0),
    "tanh": jnp.tanh,
    "erf": jax.scipy.special.erf,
    "cos": jnp.cos,
    "sign": jnp.sign,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "linear": lambda x: x,
}
# Those that NumPy has too: on the device each operation is a program for each number of rows.
_ON_HOST: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0.0), "tanh": np.tanh, "cos": np.cos, "sign": np.sign, "linear": lambda x: x,
}
_OF_NUMBERS, _OF_ROWS = (own_function("a function of arrays", shape) for shape in ((7,), (2, 7)))


def activation_rule(name: str, value: Any, rule: Rule = _OF_NUMBERS) -> str | Callable[[Any], Any]:
    """The name of an activation, or a function of arrays."""
    if isinstance(value, str) and value in ACTIVATIONS:
        return value
    if not callable(value):
        raise ValueError(f"{name} must be one of {', '.join(ACTIVATIONS)} or a callable, got {value!r}")
    return rule(name, value)


def activation_function(activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of a name, or the callable itself."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation


class RandomFeatureMap(Noun):
    """`x -> activation(W x + b) / sqrt(features)` with Gaussian W of variance `weight_std^2 / inputs`, b of `bias_std^2`.

    Drawn from `seed` once the number of inputs is known; the same seed gives the same features.  `activation` is one of
    relu, tanh, erf, cos, sign, gelu, linear, or any callable on arrays.

    >>> import numpy as np
    >>> RandomFeatureMap(200, "tanh", seed=0)(np.ones((3, 5))).shape
    (3, 200)
    """

    features: int = setting(integer(1))
    activation: str | Callable[[Any], Any] = setting(partial(activation_rule, rule=_OF_ROWS), default="relu")
    seed: int = setting(integer(0), default=0)
    weight_std: float = setting(number("(0, inf)"), default=1.0)
    bias_std: float = setting(number("[0, inf)"), default=0.0)

    @double_precision
    def __call__(self, inputs: Any) -> np.ndarray:
        """Features (examples, features) of inputs (examples, ...), flattened."""
        rows = validation.array("inputs", inputs, tuple(range(2, 7)))
        x = rows.reshape(rows.shape[0], -1)
        weights, biases = _drawn(self.seed, x.shape[1], self.features)
        with np.errstate(over="ignore", invalid="ignore"):
            hidden = x @ weights * (self.weight_std / x.shape[1] ** 0.5) + biases * self.bias_std
        host = _ON_HOST.get(self.activation) if isinstance(self.activation, str) else None
        with refusing("activation must take arrays (jnp.where for if)"):
            active = np.asarray(host(hidden) if host else activation_function(self.activation)(jnp.asarray(hidden)))
        if active.shape != hidden.shape:
            raise ValueError(f"activation must return the shape of its input, {hidden.shape}, got {active.shape}")
        return active / self.features**0.5


@lru_cache(maxsize=4)
def _drawn(seed: int, inputs: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard Gaussian weights and biases; kept, as views of one data set are mapped tens of times (50 ms a draw)."""
    words = jax.random.key_data(jax.random.key(seed, impl="threefry2x32"))
    weights, biases = map(np.asarray, _normals(words, inputs=inputs, features=features))
    return weights, biases


@program(static_argnames=("inputs", "features"))
def _normals(words: Any, inputs: int, features: int) -> tuple[Any, Any]:
    weight_key, bias_key = jax.random.split(jax.random.wrap_key_data(words, impl="threefry2x32"))
    weights = jax.random.normal(weight_key, (inputs, features), dtype=jnp.float64)
    return weights, jax.random.normal(bias_key, (features,), dtype=jnp.float64)
