"""The ridge that minimises the exact test risk."""

__all__ = ["OptimalRidge", "optimal_ridge"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.precision import require_double_precision
from rfgen.numerics.program_maps import sparing_maps
from rfgen.problems.spectra.modes import Modes
from rfgen.theory.ridge.risk import Risk, risk

# A grid over 40 decades around the trace, and down to the smallest eigenvalue, finds the valley; each refinement is 64
# times finer.  After five, the risk is minimal to 1e-15 and the ridge known to 1e-7, the square root of that.
GRID = 128
DECADES = 20.0
REFINEMENTS = 5
# The risk of predicting zero is that of this ridge.
INFINITE_RIDGE = 1e300
# A logarithm of 690 has this relative error in its exponential, and so has the risk there.
ROUNDING = 1e-12


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class OptimalRidge:
    """The best `ridge`, a scalar () or batched by vmap, and the `risk` there."""

    ridge: Float[Array, "*batch"]
    risk: Risk


@sparing_maps
@jax.jit
def optimal_ridge(modes: Modes, n: Any, features: Any = jnp.inf, noise: Any = 0.0) -> OptimalRidge:
    """The minimiser of `risk(modes, n, features, ridge, noise).test` over ridge in [0, inf], and the risk there.

    0 where no positive ridge does better, inf where predicting zero is best (a target without learnable power).  Of
    several minima the lowest is returned.  The ridge is a constant to differentiation; the risk's gradient is right all the
    same (envelope theorem).  Scalars in, scalars out; vmap it over n, features, noise.  Derived.

    >>> import jax, rfgen
    >>> with jax.enable_x64(True):
    ...     best = optimal_ridge(rfgen.Task.isotropic(100).modes, n=50, noise=0.5)
    >>> round(float(best.ridge), 4)  # dim * noise / signal
    50.0
    """
    require_double_precision("rfgen.theory.optimal_ridge")
    n, features, noise = (jnp.asarray(value, dtype=jnp.float64) for value in (n, features, noise))
    risks = jax.vmap(lambda ridge: risk(modes, n, features, ridge, noise))

    def refine(_: Array, valley: tuple[Array, Array]) -> tuple[Array, Array]:
        center, half_width = valley
        grid = center + half_width * jnp.linspace(-1.0, 1.0, GRID)
        return grid[jnp.argmin(risks(jnp.exp(grid)).test)], half_width * (2.0 / (GRID - 1))

    trace = jnp.sum(jnp.asarray(modes.multiplicity) * jnp.asarray(modes.eigenvalues))
    trace = jnp.log(jnp.where(trace > 0.0, trace, 1.0))
    high = trace + jnp.log(10.0) * DECADES
    low = jnp.maximum(jnp.minimum(trace - jnp.log(10.0) * DECADES, jnp.log(jnp.asarray(modes.smallest)) - 10.0), -690.0)
    valley = jax.lax.fori_loop(0, REFINEMENTS, refine, (0.5 * (low + high), 0.5 * (high - low)))
    center = jax.lax.stop_gradient(valley[0])
    # equality to rounding goes to the simpler learner: no ridge first, then none at all
    candidates = jnp.stack([jnp.zeros_like(center), jnp.full_like(center, INFINITE_RIDGE), jnp.exp(center)])
    found = risks(candidates)
    choice = jnp.argmax(found.test <= jnp.min(found.test) * (1.0 + ROUNDING))
    ridge = jnp.where(choice == 1, jnp.inf, candidates[choice])
    return OptimalRidge(ridge, jax.tree.map(lambda leaf: leaf[choice], found))
