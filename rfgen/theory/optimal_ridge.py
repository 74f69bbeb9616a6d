"""The ridge that minimises the exact test risk."""

__all__ = ["optimal_ridge"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.precision import require_double_precision
from rfgen.problems.modes import Modes
from rfgen.theory.risk import risk

# Grid points over 40 decades around the trace, then golden sections: risk to 1e-15, ridge to 1e-7 (its square root).
GRID = 128
DECADES = 20.0
SECTIONS = 48
GOLDEN = 0.6180339887498949


def optimal_ridge(modes: Modes, n: Any, features: Any = jnp.inf, noise: Any = 0.0) -> Float[Array, ""]:
    """The minimiser of `risk(modes, n, features, ridge, noise).test` over ridge in [0, inf].

    0 where no positive ridge does better, inf where predicting zero is best (a target without learnable power).  A grid
    of 128 points over 40 decades finds the valley, so of several minima the lowest is returned.  Scalars in, scalar
    out; vmap it over n, features, noise.  Derived.
    """
    require_double_precision("rfgen.theory.optimal_ridge")
    n, features, noise = (jnp.asarray(value, dtype=jnp.float64) for value in (n, features, noise))

    def test_at(log_ridge: Array) -> Array:
        return risk(modes, n, features, jnp.exp(log_ridge), noise).test

    center = jnp.log(jnp.sum(modes.multiplicity * modes.eigenvalues))
    grid = center + jnp.log(10.0) * jnp.linspace(-DECADES, DECADES, GRID)
    values = jax.vmap(test_at)(grid)
    best = jnp.argmin(values)
    spacing = grid[1] - grid[0]

    def section(_: Array, bracket: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        low, high, left_value, right_value = bracket
        keep_left = left_value <= right_value
        low, high = (
            jnp.where(keep_left, low, high - GOLDEN * (high - low)),
            jnp.where(keep_left, low + GOLDEN * (high - low), high),
        )
        new = jnp.where(keep_left, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        value = test_at(new)
        return (
            low, high, jnp.where(keep_left, value, right_value), jnp.where(keep_left, left_value, value),
        )  # fmt: skip

    low, high = grid[best] - spacing, grid[best] + spacing
    inner = (test_at(high - GOLDEN * (high - low)), test_at(low + GOLDEN * (high - low)))
    low, high, _, _ = jax.lax.fori_loop(0, SECTIONS, section, (low, high, *inner))
    ridge = jnp.exp(0.5 * (low + high))
    at_best = test_at(jnp.log(ridge))
    ridgeless = risk(modes, n, features, 0.0, noise).test
    null_risk = jnp.sum(modes.power) + modes.null_power + noise
    # equality to rounding goes to the simpler learner
    ridge = jnp.where(null_risk <= at_best * (1.0 + 1e-14), jnp.inf, ridge)
    return jnp.where(ridgeless <= jnp.minimum(at_best, null_risk) * (1.0 + 1e-14), 0.0, ridge)
