"""The bound of the overfitting coefficient by effective ranks.

    E0 <= (1 - k/n)^-2 (1 - n/R_k)^-1        for every k < n with n < R_k

Proof.  With kappa from sum_i L_i = n, x_i = lambda_i/kappa, sums over i > k, X = sum x_i and S = sum L_i:
n - k <= S <= n.  Cauchy-Schwarz gives S^2 <= sum x/(1 + x)^2 sum x, hence n/E0 >= sum L (1 - L) >= (n - k)^2/X; and
X^2 <= sum x/(1 + x) sum x (1 + x) <= n (X + X^2/R_k), hence X <= n/(1 - n/R_k).  Nothing needs k to end a level.

Source: arXiv 2306.13185 (the bound; the proof above is ours).  Equations: theory (9.3).
"""

__all__ = ["EffectiveRankBound", "effective_rank_bound"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.precision import needs_double_precision
from rfgen.problems.spectra.spectral_tails import SpectralTails
from rfgen.theory.overfitting.effective_rank import ranks_at_starts, ranks_within

# Inside a wide level the best k is searched on a grid, refined: to 1e-7 of the level.
GRID, REFINEMENTS = 33, 6


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class EffectiveRankBound:
    """The least `bound` of E0 over k, inf if no k has k < n < R_k, and its `k` (NaN if none): scalars (), or batched."""

    bound: Float[Array, "*batch"]
    k: Float[Array, "*batch"]


@needs_double_precision
@jax.jit
def effective_rank_bound(tails: SpectralTails, n: Any) -> EffectiveRankBound:
    """min over k of (1 - k/n)^-2 (1 - n/R_k)^-1 at `n` > 0 samples, a scalar; k is whole at actual modes.

    `tails` is `spectral_tails(task.spectrum)`.  On an infinite tail, k beyond 4,096, k runs over a grid of steps below 5 %:
    the bound is within 1e-3 of the best.  No bound exists for n >= rank.  Needs 64-bit floats.

    >>> import jax, rfgen
    >>> from rfgen.problems.spectra.spectral_tails import spectral_tails
    >>> with jax.enable_x64(True):
    ...     best = effective_rank_bound(spectral_tails(rfgen.Spectrum.spiked(1010, [50.0] * 10)), n=100)
    >>> float(best.k), round(float(best.bound), 4)  # 1/(0.9^2 0.9)
    (10.0, 1.3717)
    """
    n = jnp.asarray(n, dtype=jnp.float64)

    def margin(k: Array, second: Array) -> Array:
        """(1 - k/n)^2 (1 - n/R_k), the inverse of the bound; 0 where there is none."""
        room = 1.0 - n / jnp.where(second > n, second, n)
        return jnp.where(k < n, 1.0 - k / n, 0.0) ** 2 * room

    start = jnp.asarray(tails.start)
    at_starts = margin(start, ranks_at_starts(tails).second)
    best = jnp.argmax(at_starts)
    most, k = at_starts[best], start[best]
    wide = jnp.asarray(tails.wide)
    if wide.size:
        low, high = start[wide], jnp.maximum(jnp.minimum(jnp.asarray(tails.stop)[wide] - 1.0, n), start[wide])

        def refine(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
            grid = ends[0] + (ends[1] - ends[0]) * jnp.linspace(0.0, 1.0, GRID)[:, None]
            place = jnp.argmax(margin(grid, ranks_within(tails, wide, grid).second), axis=0)
            ends = (jnp.maximum(place - 1, 0), jnp.minimum(place + 1, GRID - 1))
            low, high = (jnp.take_along_axis(grid, end[None], axis=0)[0] for end in ends)
            return low, high

        low, high = jax.lax.fori_loop(0, REFINEMENTS, refine, (low, high))
        middle = 0.5 * (low + high)
        for candidate in (jnp.floor(middle), jnp.ceil(middle)):
            inside = jnp.clip(candidate, start[wide], jnp.maximum(jnp.asarray(tails.stop)[wide] - 1.0, start[wide]))
            values = margin(inside, ranks_within(tails, wide, inside).second)
            place = jnp.argmax(values)
            better = values[place] > most
            most, k = jnp.where(better, values[place], most), jnp.where(better, inside[place], k)
    found = most > 0.0
    return EffectiveRankBound(
        jnp.where(found, 1.0 / jnp.where(found, most, 1.0), jnp.inf), jnp.where(found, k, jnp.nan)
    )
