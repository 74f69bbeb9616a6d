"""The ridge that minimises the exact test risk.  Equations: theory (4.6), (4.10) and (4.11)."""

__all__ = ["OptimalRidge", "optimal_ridge"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.equilibrium import equilibrium, training_group
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.modes import Modes
from rfgen.theory.ridge.risk import Risk, risk

# Grids of 40 decades find the valley, as many as there are between the ridge below which nothing changes and 20 decades
# above the trace; each refinement is 64 times finer.  After five, the risk is minimal to 1e-15 and the ridge known to
# 1e-7, the square root of that.
GRID = 128
DECADES = 20.0
REFINEMENTS = 5
# Log of the change, relative, that a ridge must make to matter.
UNCHANGED = -30.0
# Log of the smallest ridge that is tried.
SMALLEST = -708.0
# The risk of predicting zero is that of this ridge.
INFINITE_RIDGE = 1e300
# A logarithm of 690 has this relative error in its exponential, and so has the risk there.
ROUNDING = 1e-12


@record
class OptimalRidge:
    """The best `ridge`, a scalar () or batched by vmap, and the `risk` there."""

    ridge: Float[Array, "*batch"]
    risk: Risk


@needs_double_precision
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
    n, features, noise = (jnp.asarray(value, dtype=jnp.float64) for value in (n, features, noise))
    risks = jax.vmap(lambda ridge: risk(modes, n, features, ridge, noise))
    frozen = jax.lax.stop_gradient((modes, n, features, noise))

    def tests(grid: Array) -> Array:
        return jax.vmap(lambda ridge: risk(*frozen[:3], jnp.exp(ridge), frozen[3]).test)(grid)

    low, high = _range(*frozen)
    pieces = jnp.ceil((high - low) / (2.0 * DECADES * jnp.log(10.0)))
    width, count = (high - low) / pieces, pieces.astype(jnp.int32)

    def step(number: Array, valley: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        """The pieces one by one, then ever finer around the best: one loop, for the risk is compiled once."""
        center, least, half_width = valley
        coarse = number < count
        piece = low + width * (number.astype(low.dtype) + jnp.linspace(0.0, 1.0, GRID))
        grid = jnp.where(coarse, piece, center + half_width * jnp.linspace(-1.0, 1.0, GRID))
        found = tests(grid)
        at = jnp.argmin(found)
        better = ~coarse | (found[at] < least)
        half_width = jnp.where(coarse, half_width, half_width * (2.0 / (GRID - 1)))
        return jnp.where(better, grid[at], center), jnp.where(better, found[at], least), half_width

    valley = (high, jnp.asarray(jnp.inf), width / (GRID - 1))
    center, *_ = jax.lax.fori_loop(0, count + REFINEMENTS - 1, step, valley)
    # equality to rounding goes to the simpler learner: no ridge first, then none at all
    candidates = jnp.stack([jnp.zeros_like(center), jnp.full_like(center, INFINITE_RIDGE), jnp.exp(center)])
    found = risks(candidates)
    choice = jnp.argmax(found.test <= jnp.min(found.test) * (1.0 + ROUNDING))
    ridge = jnp.where(choice == 1, jnp.inf, candidates[choice])
    return OptimalRidge(ridge, jax.tree.map(lambda leaf: leaf[choice], found))


def _range(modes: Modes, n: Array, features: Array, noise: Array) -> tuple[Array, Array]:
    """Logs of the ridges between which the best one lies, if it is neither 0 nor inf.

    At ridge 0, with p = df1 - df2, a ridge moves n - df1 by ridge/gamma, or by its root where n = features, and does
    nothing while that is far below p.  Where all is learned it does nothing below the smallest eigenvalue, but at n = rank,
    where gamma = sqrt(ridge / sum 1/lambda): noise / gamma balances gamma there.
    """
    group = training_group(modes, n, noise)
    at, modes = equilibrium(group, features, jnp.zeros(())), group.modes
    total = jnp.sum(modes.multiplicity * modes.eigenvalues)
    trace, smallest = jnp.log(jnp.where(total > 0.0, total, 1.0)), jnp.where(modes.smallest > 0.0, modes.smallest, 1.0)
    ratios = smallest / modes.eigenvalues
    power = jnp.sum(modes.power * ratios * ratios)
    balance = noise * jnp.sum(modes.multiplicity * ratios) / jnp.where(power > 0.0, power, 1.0)
    balance = jnp.where((balance > 0.0) & (power > 0.0), 1.5 * jnp.log(jnp.where(balance > 0.0, balance, 1.0)), 0.0)
    learned = jnp.log(smallest) + jnp.minimum(balance, 0.0)
    gamma, spread = (jnp.where(part > 0.0, part, 1.0) for part in (at.gamma, jnp.minimum(at.spread, 1.0)))
    matters = jnp.where(at.gamma > 0.0, jnp.log(gamma) + 2.0 * jnp.log(spread), learned) + UNCHANGED
    decades = DECADES * jnp.log(10.0)
    return jnp.maximum(jnp.minimum(trace - decades, matters), SMALLEST), trace + decades
