"""Ridge regression at ridges below 0, down to the edge of the spectrum, and the best of them.

The equation of the equilibrium, `ridge = gamma (n - df1)(1 - df1/features)`, goes on below ridge 0 as long as all
eigenvalues of the training Gram matrix (of its smaller side) exceed -ridge: with less gamma than at ridge 0 where modes
outnumber min(n, features), so that df1 exceeds it, and with gamma in (-smallest eigenvalue, 0) where all are learned.  It
ends where d ridge / d gamma, which is the denominator of the amplification,

    a b + p (a/features + b),    a = n - df1,  b = 1 - df1/features,  p = df1 - df2,

vanishes: n = df2 for the full kernel.  That ridge is minus the lower edge of the spectrum (for p equal modes of 1,
-(sqrt(p) - sqrt(n))^2), and the risk diverges there.  Every point of the branch is explicit in gamma.  Of rows drawn
without replacement from N examples (f = n/N, u = 1 - df1/N) the ridge is gamma a b/u, and the edge lies where
a u b + p (a u/features + (1 - f) b) = 0.  Derived; after arXiv 1805.10939 and 2404.01233.
"""

__all__ = ["LowRidge", "best_below_zero", "risk_below_zero"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.equilibrium import Equilibrium, Group, equilibrium, training_group
from rfgen.equivalents.error_kernel import error_kernel
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.modes import Modes
from rfgen.theory.ridge.risk import Risk

# Bisections: 1,500 natural logarithms to the last digit.
PASSES = 75
# So far below the smallest eigenvalue, in logarithms, all is learned; where all is, ridges of e^-100 of it are reached.
DEEP = 100.0
# Grids of the search for the best, as in `rfgen.theory.ridge.optimal_ridge`.
GRID, REFINEMENTS = 128, 5


@record
class LowRidge(Risk):
    """A `Risk` at `ridge`, and the `edge`: the largest ridge below which there is none; scalars () or batched by vmap."""

    ridge: Float[Array, "*batch"]
    edge: Float[Array, "*batch"]


@dataclass(frozen=True)
class _Branch:
    """Equilibria below ridge 0 by `depth` in [0, 1] of log |gamma| on the way from ridge 0 to the far end."""

    group: Group
    features: Array
    sign: Array
    start: Array
    end: Array

    def sums(self, depth: Array) -> tuple[Array, ...]:
        """gamma, df1, df2, p, a, b."""
        return self.sums_at(self.sign * jnp.exp(self.start + depth * (self.end - self.start)))

    def sums_at(self, gamma: Array) -> tuple[Array, ...]:
        """The same at gamma."""
        modes, n = self.group.modes, self.group.rows
        inverse = 1.0 / (modes.eigenvalues + gamma)
        learned = modes.eigenvalues * inverse
        df1, df2 = (jnp.sum(modes.multiplicity * part) for part in (learned, learned * learned))
        spread = jnp.sum(modes.multiplicity * learned * (gamma * inverse))
        return gamma, df1, df2, spread, n - df1, 1.0 - df1 / self.features

    def held_out(self, gamma: Array) -> tuple[Array, Array]:
        """u, and a u + p (1 - f), without the differences that far from ridge 0 are nothing but rounding."""
        modes, n = self.group.modes, self.group.rows
        missed = gamma / (modes.eigenvalues + gamma)
        first, second = jnp.sum(modes.multiplicity * missed), jnp.sum(modes.multiplicity * missed * missed)
        finite = jnp.isfinite(modes.population)
        examples = jnp.where(finite, modes.population, 1.0)
        null = examples - modes.rank
        whole = ((null + first) ** 2 - (examples - n) * (null + second)) / examples
        _, _, _, p, a, _ = self.sums_at(gamma)
        return jnp.where(finite, (null + first) / examples, 1.0), jnp.where(finite, whole, a + p)

    def ridge(self, depth: Array) -> Array:
        """The ridge there."""
        gamma, _, _, _, a, b = self.sums(depth)
        return gamma * a * b / self.held_out(gamma)[0]

    def inside(self, depth: Array) -> Array:
        """Whether the edge is still ahead."""
        gamma, df1, _, p, a, b = self.sums(depth)
        larger = jnp.maximum(self.group.rows, self.features)
        u, of_rows = self.held_out(gamma)
        return (df1 < larger) & (b * of_rows + p * a * u / self.features > 0.0)

    def risk(self, depth: Array, ridge: Array) -> Risk:
        """The risk there; gaps that nearly cancel from the `ridge`."""
        n, features = self.group.rows, self.features
        gamma, df1, df2, p, a, b = self.sums(depth)
        few, whole = n <= features, ridge * self.held_out(gamma)[0] / gamma
        exact_a, exact_b = jnp.where(few, whole / b, a), jnp.where(few, b, whole / a)
        residual = jnp.abs(exact_a - a) / n + jnp.abs(exact_b - b)
        at = Equilibrium(gamma * exact_b, gamma, exact_a, exact_b, df1, df2, p, residual, residual < 1e-10)
        of = error_kernel(self.group, at, features)
        parts = {name: getattr(of, name) for name in vars(of)}
        return Risk(**parts, kappa=at.kappa, gamma=gamma, df1=df1, residual=residual, converged=at.converged)


def _last(holds: Callable[[Array], Array]) -> Array:
    """The largest depth in [0, 1] at which it still holds."""

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        good = holds(middle)
        return jnp.where(good, middle, low), jnp.where(good, high, middle)

    return jax.lax.fori_loop(0, PASSES, halve, (jnp.zeros(()), jnp.ones(())))[0]


def _branch(modes: Modes, n: Any, features: Any, noise: Any) -> tuple[Any, Array, Array]:
    """The branch, the depth of the edge on it, and the edge."""
    features = jnp.asarray(features, dtype=jnp.float64)
    group = training_group(modes, n, noise)
    modes = group.modes
    more = modes.rank > jnp.minimum(group.rows, features)
    smallest = jnp.log(modes.smallest)
    at_zero = equilibrium(group, features, jnp.zeros(())).gamma
    start = jnp.where(more, jnp.log(jnp.where(at_zero > 0.0, at_zero, 1.0)), smallest - DEEP)
    branch = _Branch(group, features, jnp.where(more, 1.0, -1.0), start, jnp.where(more, smallest - DEEP, smallest))
    last = _last(branch.inside)
    return branch, last, jnp.minimum(jnp.where(branch.inside(last), branch.ridge(last), 0.0), 0.0)


@sparing_maps
@jax.jit
def risk_below_zero(modes: Modes, n: Any, features: Any, ridge: Any, noise: Any) -> LowRidge:
    """`risk` at a `ridge` < 0; not converged, its numbers NaN, at and below the edge.  Scalars; vmap it.  Not for grad.

    >>> import jax, rfgen
    >>> with jax.enable_x64(True):
    ...     at = risk_below_zero(rfgen.Task.isotropic(100).modes, 25.0, float("inf"), -16.0, 0.5)
    >>> round(float(at.edge), 9), round(float(at.test), 6)  # (sqrt(100) - sqrt(25))^2
    (-25.0, 1.671218)
    """
    branch, last, edge = _branch(modes, n, features, noise)
    depth = last * _last(lambda share: branch.ridge(share * last) > ridge)
    found = branch.risk(depth, jnp.asarray(ridge))
    there = ridge > edge
    kept = {
        name: value if name == "residual" else value & there if name == "converged" else jnp.where(there, value, jnp.nan)
        for name, value in vars(found).items()
    }
    return LowRidge(**kept, ridge=jnp.asarray(ridge), edge=edge)


@sparing_maps
@jax.jit
def best_below_zero(modes: Modes, n: Any, features: Any, noise: Any) -> LowRidge:
    """The ridge between the edge and 0 of least risk, and the risk there.  Scalars; vmap it."""
    branch, last, edge = _branch(modes, n, features, noise)

    def test(depth: Array) -> Array:
        found = branch.risk(depth, branch.ridge(depth)).test
        return jnp.where(jnp.isnan(found) | (depth >= last), jnp.inf, found)

    def refine(_: Array, valley: tuple[Array, Array]) -> tuple[Array, Array]:
        center, half = valley
        grid = jnp.clip(center + half * jnp.linspace(-1.0, 1.0, GRID), 0.0, last)
        return grid[jnp.argmin(jax.vmap(test)(grid))], half * (2.0 / (GRID - 1))

    depth, _ = jax.lax.fori_loop(0, REFINEMENTS, refine, (0.5 * last, 0.5 * last))
    ridge = branch.ridge(depth)
    return LowRidge(**vars(branch.risk(depth, ridge)), ridge=ridge, edge=edge)
