"""The ridge that minimises the exact test risk.  Equations: theory (4.6), (4.10) and (4.11)."""

__all__ = ["OptimalRidge", "optimal_ridge"]

from dataclasses import fields
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.modes import Modes
from rfgen.theory.ridge.risk import Risk, risk

# Grids of 10 decades find the valley, as many as there are between the ridge below which nothing changes and 20 decades
# above the trace; each refinement is 15 times finer.  After six, the risk is minimal to 1e-15 and the ridge known to
# 1e-7, the square root of that.
GRID = 32
DECADES = 20.0
PIECE = 10.0
REFINEMENTS = 6
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
    modes, n, features, noise = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (modes, n, features, noise))
    return _search(modes, n, features, noise)


@jax.custom_jvp
def _search(modes: Modes, n: Array, features: Array, noise: Array) -> OptimalRidge:
    """One loop, for the risk is compiled once: ridge 0, the pieces one by one, ever finer around the best, candidates."""

    def step(state: tuple[Any, ...]) -> tuple[Any, ...]:
        number, (low, width, count), (center, least, half_width), _ = state
        first, coarse, last = number == 0, number <= count, number > count + REFINEMENTS
        piece = low + width * (number - 1 + jnp.linspace(0.0, 1.0, GRID))
        grid = jnp.where(coarse, piece, center + half_width * jnp.linspace(-1.0, 1.0, GRID))
        # equality to rounding goes to the simpler learner: no ridge first, then none at all
        candidates = jnp.full(GRID, jnp.exp(center)).at[:2].set(jnp.array([0.0, INFINITE_RIDGE]))
        ridges = jnp.where(first, 0.0, jnp.where(last, candidates, jnp.exp(grid)))
        found = jax.vmap(lambda ridge: risk(modes, n, features, ridge, noise))(ridges)
        low, width, count = (
            jnp.where(first, new, old)
            for new, old in zip(_pieces(modes, found.gamma[0], noise), (low, width, count), strict=True)
        )
        at = jnp.argmin(found.test)
        better = ~first & ~last & (~coarse | (found.test[at] < least))
        valley = (
            jnp.where(better, grid[at], center), jnp.where(better, found.test[at], least),
            jnp.where(coarse, width, 2.0 * half_width) / (GRID - 1),
        )
        return number + 1, (low, width, count), valley, (ridges[:3], jax.tree.map(lambda leaf: leaf[:3], found))

    def unfinished(state: tuple[Any, ...]) -> Array:
        return state[0] <= state[1][2] + REFINEMENTS + 1

    zero = jnp.zeros(())
    risks = Risk(**{one.name: jnp.zeros(3, bool if one.name == "converged" else float) for one in fields(Risk)})
    start = (zero, (zero, zero, zero), (zero, jnp.asarray(jnp.inf), zero), (jnp.zeros(3), risks))
    *_, (ridges, found) = jax.lax.while_loop(unfinished, step, start)
    choice = jnp.argmax(found.test <= jnp.min(found.test) * (1.0 + ROUNDING))
    ridge = jnp.where(choice == 1, jnp.inf, ridges[choice])
    return OptimalRidge(ridge, jax.tree.map(lambda leaf: leaf[choice], found))


@_search.defjvp
def _along(values: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[OptimalRidge, OptimalRidge]:
    """The risk moves at the ridge that is best, which stays."""
    ridge = jax.lax.stop_gradient(_search(*values).ridge)

    def there(modes: Modes, n: Array, features: Array, noise: Array) -> OptimalRidge:
        return OptimalRidge(ridge, risk(modes, n, features, jnp.minimum(ridge, INFINITE_RIDGE), noise))

    return jax.jvp(there, values, tangents)


def _pieces(modes: Modes, gamma: Array, noise: Array) -> tuple[Array, Array, Array]:
    """The log of the least ridge that may be best if not 0, and width and number of the pieces up to the largest.

    At ridge 0, with p = df1 - df2, a ridge moves n - df1 by ridge/gamma, or by its root where n = features, and does
    nothing while that is far below p.  Where all is learned it does nothing below the smallest eigenvalue, but at n = rank,
    where gamma = sqrt(ridge / sum 1/lambda): noise / gamma balances gamma there.
    """
    total = jnp.sum(modes.multiplicity * modes.eigenvalues)
    trace, smallest = jnp.log(jnp.where(total > 0.0, total, 1.0)), jnp.where(modes.smallest > 0.0, modes.smallest, 1.0)
    ratios = smallest / modes.eigenvalues
    power = jnp.sum(modes.power * ratios * ratios)
    balance = noise * jnp.sum(modes.multiplicity * ratios) / jnp.where(power > 0.0, power, 1.0)
    balance = jnp.where((balance > 0.0) & (power > 0.0), 1.5 * jnp.log(jnp.where(balance > 0.0, balance, 1.0)), 0.0)
    learned = jnp.log(smallest) + jnp.minimum(balance, 0.0)
    inverse = 1.0 / (modes.eigenvalues + gamma)
    spread = jnp.minimum(jnp.sum(modes.multiplicity * (modes.eigenvalues * inverse) * (gamma * inverse)), 1.0)
    gaps = (jnp.log(jnp.where(part > 0.0, part, 1.0)) for part in (gamma, spread, spread))
    matters = jnp.where(gamma > 0.0, sum(gaps), learned) + UNCHANGED
    decades = DECADES * jnp.log(10.0)
    low, high = jnp.maximum(jnp.minimum(trace - decades, matters), SMALLEST), trace + decades
    count = jnp.ceil((high - low) / (PIECE * jnp.log(10.0)))
    return low, (high - low) / count, count
