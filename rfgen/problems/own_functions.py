"""Functions of the user's, of arrays entry by entry: as they are if JAX can trace them, else called back on the host."""

__all__ = ["HostFunction", "differentiable", "own_function", "own_result", "refusing"]

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.tracing import is_traced
from rfgen.problems.rules import Rule, instance
from rfgen.problems.settings import Noun


@dataclass(frozen=True)
class HostFunction:
    """A function of NumPy arrays that programs of JAX can call: they leave the device for it."""

    function: Callable[[Any], Any]

    def __call__(self, values: Any) -> Any:
        """Its values, of the shape and kind of `values`."""
        if not isinstance(values, jax.Array):
            return self.function(values)
        if not is_traced(values):
            return jnp.asarray(self._back(np.asarray(values)))
        # as integers: a callback has a thread of its own, where JAX may round floats to 32 bits
        bits = jax.lax.bitcast_convert_type(values, jnp.uint32)[..., None].reshape(*values.shape, -1)
        result, dtype = jax.ShapeDtypeStruct(bits.shape, bits.dtype), values.dtype
        call = partial(self._bits, dtype=dtype)
        bits = jax.pure_callback(call, result, bits, vmap_method="expand_dims")
        return jax.lax.bitcast_convert_type(bits if dtype.itemsize > 4 else bits[..., 0], dtype)

    def _back(self, values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.function(values), values.dtype), values.shape)

    def _bits(self, given: Any, dtype: Any) -> np.ndarray:
        values = self._back(np.ascontiguousarray(given).view(dtype)[..., 0])
        return np.ascontiguousarray(values)[..., None].view(np.uint32)

    @property
    def __name__(self) -> str:
        """That of the function, by which tasks show it."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def __repr__(self) -> str:
        return repr(self.function)


@contextmanager
def refusing(rule: str) -> Iterator[None]:
    """A ValueError of `rule` and the reason, of whatever a function of the user's, called within, raises."""
    try:
        yield
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{rule}, it failed: {reason}") from error


def own_function(expected: str, shape: tuple[int, ...] = (7,)) -> Rule:
    """The rule of a function of arrays, entry by entry, tried at one of `shape`; messages call it `expected`."""
    called, tried = instance(Callable, expected), np.linspace(-0.5, 0.5, math.prod(shape)).reshape(shape)

    def rule(name: str, value: Any) -> Callable[[Any], Any]:
        function: Callable[[Any], Any] = called(name, value)
        try:
            hash(function)
        except TypeError:
            raise ValueError(
                f"{name} must be hashable, so that its program can be kept, got {value!r}: wrap it, lambda t: f(t)"
            ) from None
        if isinstance(value, HostFunction | Noun):
            return function
        try:
            # in a function of its own: JAX ends the process where a NumPy ufunc is traced twice
            found = jax.eval_shape(lambda t: value(t), jax.ShapeDtypeStruct(shape, np.float32))  # noqa: PLW0108
        except Exception:  # noqa: BLE001  whatever a user's function says to a tracer
            found, function = own_result(name, value, tried), HostFunction(value)
        if np.shape(found) != shape:
            raise ValueError(f"{name} must map arrays to arrays of their shape, got shape {np.shape(found)} from {shape}")
        return function

    return rule


def differentiable(name: str, function: Any) -> Any:
    """The function, which JAX can differentiate."""
    if isinstance(function, HostFunction):
        raise ValueError(
            f"{name} must be written with jax.numpy to be differentiated (jnp.tanh for np.tanh), got {function!r}"
        )
    return function


def own_result(name: str, function: Callable[..., Any], *arrays: Any) -> Any:
    """What a user's function makes of arrays, refused in words where it fails."""
    what = "an array" if len(arrays) == 1 else f"{len(arrays)} arrays"
    with refusing(f"{name} must be a function of {what} (np.where or jnp.where for if, np.tanh for math.tanh)"):
        return function(*arrays)
