"""Zeros of functions, differentiable to every order by the implicit function theorem, no matter how they were found.

Unlike `jax.lax.custom_root`, nothing of a derivative is traced until one is asked for: of a first call of the lasso that
was a third.
"""

__all__ = ["hoisted", "implicit"]

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.small_systems import solve

Residual = Callable[..., Array]


def hoisted(function: Callable[..., Any], at: Any) -> tuple[Callable[..., Any], list[Any]]:
    """`function` of one argument like `at`, traced, as one of the values that it closes over too, and those values.

    >>> import jax.numpy as jnp
    >>> double, values = hoisted(lambda x: 2.0 * x, jnp.ones(()))
    >>> float(double(jnp.ones(()), *values))
    2.0
    """
    # unlike jax.closure_convert, also those without derivatives: a rule is asked for when their trace has ended
    closed, shape = jax.make_jaxpr(function, return_shape=True)(at)
    structure = jax.tree.structure(shape)

    def traced(x: Any, *values: Any) -> Any:
        return jax.tree.unflatten(structure, jax.core.eval_jaxpr(closed.jaxpr, values, x))

    return traced, list(closed.consts)


def implicit(
    residual: Residual, zero: Float[Array, " *unknowns"], values: list[Any] | None = None
) -> Float[Array, " *unknowns"]:
    """`zero` of `residual`, (unknowns,) to (unknowns,) or scalar to scalar, with its derivatives in whatever `residual`
    closes over, or in its further arguments `values`, where it is `hoisted` already.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     float(jax.grad(lambda a: implicit(lambda x: x**2 - a, jnp.array([3.0]))[0])(9.0))  # of the square root
    0.166666666...
    """
    zero = jax.lax.stop_gradient(zero)
    if values is None:
        residual, values = hoisted(residual, zero)
    return _zero(residual, zero, *values)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _zero(function: Residual, zero: Array, *values: Any) -> Array:
    del function, values
    return zero


@_zero.defjvp
def _(function: Residual, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    zero, *values = primals
    zero = _zero(function, zero, *values)  # for the orders that follow
    moved = jax.jvp(lambda *given: function(zero, *given), tuple(values), tangents[1:])[1] if values else 0.0 * zero
    if zero.ndim == 0:
        slope = jax.jvp(lambda x: function(x, *values), (zero,), (jnp.ones_like(zero),))[1]
        return zero, -moved / slope
    return zero, -solve(jax.jacfwd(lambda x: function(x, *values))(zero), moved)
