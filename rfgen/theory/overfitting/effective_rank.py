"""Effective ranks of what lies beyond the k-th eigenvalue, and the index where the first becomes large.

    r_k = sum_{i>k} lambda_i / lambda_{k+1},    R_k = (sum_{i>k} lambda_i)^2 / sum_{i>k} lambda_i^2,    r_k <= R_k <= r_k^2
    k* = min {k : r_k >= b n}

Source: arXiv 1906.11300 (r_k, R_k, k*).  Inside a level of equal eigenvalues k may be any real number; k* is always the
start of a level, as r_k falls with k inside one.

The bound of the overfitting coefficient:

    E0 <= (1 - k/n)^-2 (1 - n/R_k)^-1        for every k < n with n < R_k

Proof.  With kappa from sum_i L_i = n, x_i = lambda_i/kappa, sums over i > k, X = sum x_i and S = sum L_i:
n - k <= S <= n.  Cauchy-Schwarz gives S^2 <= sum x/(1 + x)^2 sum x, hence n/E0 >= sum L (1 - L) >= (n - k)^2/X; and
X^2 <= sum x/(1 + x) sum x (1 + x) <= n (X + X^2/R_k), hence X <= n/(1 - n/R_k).  Nothing needs k to end a level.

Source: arXiv 2306.13185 (the bound; the proof above is ours).  Equations: theory (9.2) and (9.3).
"""

__all__ = [
    "EffectiveRankBound", "EffectiveRanks", "critical_level", "effective_rank_bound", "effective_ranks", "ranks_at_starts",
    "ranks_within",
]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.spectral_tails import SpectralTails


@record
class EffectiveRanks:
    """`first` r_k and `second` R_k, numbers of modes: scalars (), or batched by vmap."""

    first: Float[Array, "*batch"]
    second: Float[Array, "*batch"]


@needs_double_precision
def effective_ranks(tails: SpectralTails, k: Any) -> EffectiveRanks:
    """r_k and R_k beyond the `k` largest modes, a scalar >= 0; both 0 where no positive eigenvalue is left.

    `tails` is `spectral_tails(task.spectrum)`.  Between the points of an infinite tail both are interpolated in logarithms
    (to 1e-5).  Needs 64-bit floats.

    >>> import jax, rfgen
    >>> from rfgen.problems.spectra.spectral_tails import spectral_tails
    >>> with jax.enable_x64(True):
    ...     ranks = effective_ranks(spectral_tails(rfgen.Spectrum.isotropic(10)), 4)
    >>> float(ranks.first), float(ranks.second)
    (6.0, 6.0)
    """
    k = jnp.asarray(k, dtype=jnp.float64)
    start, stop = jnp.asarray(tails.start), jnp.asarray(tails.stop)
    level = jnp.maximum(jnp.searchsorted(start, k, side="right") - 1, 0)
    following = jnp.minimum(level + 1, start.size - 1)
    at, beside = (ranks_within(tails, place, start[place]) for place in (level, following))
    # the grid of an infinite tail has gaps, and r_k is a smooth function of k there
    gap = jnp.isfinite(start[following]) & (start[following] > stop[level])
    low, high = jnp.maximum(start[level], 1.0), jnp.where(gap, start[following], 2.0)
    share = jnp.log(jnp.maximum(k, 1.0) / low) / jnp.log(jnp.where(gap, high / low, 2.0))
    inside = ranks_within(tails, level, k)

    def pick(here: Array, there: Array, exact: Array) -> Array:
        smooth = jnp.exp(jnp.log(jnp.where(gap, here, 1.0)) * (1 - share) + jnp.log(jnp.where(gap, there, 1.0)) * share)
        return jnp.where(k < tails.rank, jnp.where(gap, smooth, exact), 0.0)

    return EffectiveRanks(pick(at.first, beside.first, inside.first), pick(at.second, beside.second, inside.second))


def ranks_within(tails: SpectralTails, level: Any, k: Any) -> EffectiveRanks:
    """r_k and R_k at `k` inside the level of number `level`; arrays broadcast."""
    left = jnp.asarray(tails.stop)[level] - k
    left = jnp.where(jnp.isfinite(left), jnp.maximum(left, 0.0), 1.0)  # padding stops and starts at inf
    first = left + jnp.asarray(tails.after_trace)[level]
    square = left + jnp.asarray(tails.after_square)[level]
    return EffectiveRanks(first, first * first / jnp.where(square > 0.0, square, 1.0))


def ranks_at_starts(tails: SpectralTails) -> EffectiveRanks:
    """r_k and R_k at the start of every level, (levels,); 0 at the padding."""
    start = jnp.asarray(tails.start)
    real = jnp.isfinite(start)
    left = jnp.where(real, jnp.asarray(tails.stop) - jnp.where(real, start, 0.0), 0.0)
    first, square = left + jnp.asarray(tails.after_trace), left + jnp.asarray(tails.after_square)
    return EffectiveRanks(first, first * first / jnp.where(square > 0.0, square, 1.0))


@needs_double_precision
def critical_level(tails: SpectralTails, n: Any, b: Any = 1.0, ridge: Any = 0.0) -> Int[Array, ""]:
    """The number of the level that starts at k* = min {k : r_k + ridge / lambda_{k+1} >= b n}; -1 if there is none.

    Scalars n, b > 0, ridge >= 0.  `tails.start[level]` is k*; on an infinite tail, beyond the actual modes, the first point
    of its grid that qualifies, at most a few per cent above k*.

    >>> import jax, rfgen
    >>> from rfgen.problems.spectra.spectral_tails import spectral_tails
    >>> tails = spectral_tails(rfgen.Spectrum.spiked(103, [9.0, 5.0, 2.0]))
    >>> with jax.enable_x64(True):
    ...     float(tails.start[critical_level(tails, n=50)])
    2.0
    """
    start, eigenvalue = jnp.asarray(tails.start), jnp.asarray(tails.eigenvalue)
    ridge = jnp.asarray(ridge, dtype=jnp.float64)
    rank = ranks_at_starts(tails).first + ridge / jnp.where(eigenvalue > 0.0, eigenvalue, 1.0)
    enough = jnp.isfinite(start) & (rank >= jnp.asarray(b, dtype=jnp.float64) * jnp.asarray(n, dtype=jnp.float64))
    return jnp.where(enough.any(), jnp.argmax(enough), -1)


# Inside a wide level the best k is searched on a grid, refined: to 1e-7 of the level.
GRID, REFINEMENTS = 33, 6


@record
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
    return EffectiveRankBound(jnp.where(found, 1.0 / jnp.where(found, most, 1.0), jnp.inf), jnp.where(found, k, jnp.nan))
