"""Small systems of equations by damped Newton steps, and along a path from a setting where they are easy.

A step is halved until the residual falls; a solution is followed from parameter to parameter with a secant predictor,
longer strides where Newton succeeds and shorter ones where it does not.
"""

__all__ = ["follow", "newton"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.small_systems import solve

# Quadratic convergence needs 3-5 passes after a good prediction; a pass counts whether its step is taken or halved.
PASSES = 40
# What a stride must reach; the last one goes on to the tolerance asked for.
CORRECTED = 1e-8
FIRST_STRIDE, LONGEST_STRIDE, SHORTEST_STRIDE = 1.0, 3.0, 1e-3
MOST_STRIDES = 400
# No component moves further than this in one step: unknowns are logarithms or of order 1.
LONGEST_STEP = 2.0
SHORTEST_FRACTION = 1e-4

Residual = Callable[[Any], Array]


def newton(
    residual: Residual, start: Float[Array, " unknowns"], tolerance: Any
) -> tuple[Float[Array, " unknowns"], Float[Array, ""]]:
    """The zero of `residual`, (unknowns,) to (unknowns,), from `start`, and the largest residual left there.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     x, left = newton(lambda x: x**2 - jnp.array([2.0, 9.0]), jnp.array([1.0, 1.0]), 1e-14)
    ...     [round(float(each), 12) for each in x]
    [1.414213562373, 3.0]
    """

    def unfinished(state: tuple[Array, ...]) -> Array:
        _, size, _, fraction, count = state
        return (size > tolerance) & (fraction > SHORTEST_FRACTION) & (count < PASSES)

    def attempt(state: tuple[Array, ...]) -> tuple[Array, ...]:
        x, size, step, fraction, count = state
        there = x + fraction * step
        jacobian, value = jax.jacfwd(lambda at: (residual(at),) * 2, has_aux=True)(there)
        size_there = jnp.max(jnp.abs(value))
        onward = -solve(jacobian, value)
        onward = onward * jnp.minimum(1.0, LONGEST_STEP / jnp.max(jnp.abs(onward)))
        # NaN compares false
        better = (size_there < size * (1.0 - 0.1 * fraction)) & jnp.all(jnp.isfinite(onward))
        return (
            jnp.where(better, there, x), jnp.where(better, size_there, size), jnp.where(better, onward, step),
            jnp.where(better, jnp.minimum(1.0, 2.0 * fraction), 0.5 * fraction), count + 1,
        )

    # the first pass evaluates the start
    one, largest = jnp.ones((), start.dtype), jnp.full((), jnp.inf, start.dtype)
    state = (start, largest, jnp.zeros_like(start), one, jnp.zeros((), jnp.int32))
    x, size, *_ = jax.lax.while_loop(unfinished, attempt, state)
    return x, size


def follow(
    residual: Callable[[Any, Any], Array], start: Float[Array, " unknowns"], first: Any, last: Any, tolerance: Any
) -> tuple[Float[Array, " unknowns"], Float[Array, ""]]:
    """The zero of `residual(x, last)`, followed from the one of `residual(x, first)` near `start`.

    The parameter goes from `first` to `last` in strides of at most 3; give its logarithm where it spans decades.  Returns
    the zero and the largest residual left; inf where the path could not be followed.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     x, left = follow(lambda x, t: x - jnp.exp(-t - x), jnp.array([1.0]), 0.0, 10.0, 1e-15)
    ...     round(float(x[0]), 12), bool(left < 1e-15)
    (4.5397869e-05, True)
    """
    first, last = jnp.asarray(first, start.dtype), jnp.asarray(last, start.dtype)

    def unfinished(state: tuple[Array, ...]) -> Array:
        _, at, _, left, stride, count = state
        arrived = (at == last) & (left <= CORRECTED)
        return ~arrived & (stride > SHORTEST_STRIDE) & (count < MOST_STRIDES)

    def advance(state: tuple[Array, ...]) -> tuple[Array, ...]:
        x, at, slope, left, stride, count = state
        begun = count > 0
        there = jnp.where(jnp.abs(last - at) <= stride, last, at + jnp.sign(last - at) * stride)
        there = jnp.where(begun, there, first)
        moved = jnp.where(begun, there - at, 1.0)
        guess = x + jnp.where(begun, slope * moved, 0.0)
        found, left_there = newton(lambda y: residual(y, there), guess, jnp.where(there == last, tolerance, CORRECTED))
        done = left_there <= CORRECTED
        stride = jnp.where(done, jnp.where(begun, jnp.minimum(1.5 * stride, LONGEST_STRIDE), stride), stride / 3.0)
        return (
            jnp.where(done, found, x), jnp.where(done, there, at),
            jnp.where(done & begun, (found - x) / moved, slope), jnp.where(done, left_there, left),
            jnp.where(done | begun, stride, 0.0), count + 1,
        )

    stride, left = jnp.full((), FIRST_STRIDE, start.dtype), jnp.full((), jnp.inf, start.dtype)
    state = (start, first, jnp.zeros_like(start), left, stride, jnp.zeros((), jnp.int32))
    x, at, _, left, *_ = jax.lax.while_loop(unfinished, advance, state)
    return x, jnp.where(at == last, left, jnp.inf)
