"""Effective ranks of what lies beyond the k-th eigenvalue, and the index where the first becomes large.

    r_k = sum_{i>k} lambda_i / lambda_{k+1},    R_k = (sum_{i>k} lambda_i)^2 / sum_{i>k} lambda_i^2,    r_k <= R_k <= r_k^2
    k* = min {k : r_k >= b n}

Source: arXiv 1906.11300 (r_k, R_k, k*).  Inside a level of equal eigenvalues k may be any real number; k* is always the
start of a level, as r_k falls with k inside one.  Equations: theory (9.2).
"""

__all__ = ["EffectiveRanks", "critical_level", "effective_ranks", "ranks_at_starts", "ranks_within"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rfgen.numerics.precision import needs_double_precision
from rfgen.problems.spectra.spectral_tails import SpectralTails


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
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

    return EffectiveRanks(
        pick(at.first, beside.first, inside.first), pick(at.second, beside.second, inside.second)
    )


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
