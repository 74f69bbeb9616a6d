"""Upper and lower bounds of the risk of interpolation by effective ranks, with constants, around the exact curve.

Arguments: b > 1, k = k* = min {i : rho_i >= b n}, T_k = ridge + sum_{i>k} lambda_i, rho_k = T_k / lambda_{k+1},
R_k = T_k^2 / sum_{i>k} lambda_i^2, x = k/n < 1, s = n/rho_k <= 1/b.  Then (kappa from sum_i L_i + ridge/kappa = n)

    (1 - s) T_k/n <= kappa <= T_k/(n - k);    i <= k: kappa/lambda_i <= c = b/(1 - x)

and with u = k/n + (1 - s)^-2 n/R_k (an upper bound of sum_i L_i^2 / n):

    variance/noise <= u/(1 - u)                                          inf where u >= 1
    variance/noise >= (1 + c)^-2 k/n + (s + 1/(1 - x))^-2 n/R_k
    bias <= [sum_{i>k} v_i^2 + (1 - x)^-2 (T_k/n)^2 sum_{i<=k} v_i^2/lambda_i^2] / (1 - u)
    bias >= (1 - s)^2 [sum_{i>k} v_i^2 + (1 + c)^-2 (T_k/n)^2 sum_{i<=k} v_i^2/lambda_i^2]

`bias` here is what the risk holds at noise 0.  The scales k*/n + n/R_k* (arXiv 1906.11300) and the two bias terms (arXiv
2009.14286) are those papers'; the constants are ours, derived from the bounds of kappa, and hold for the exact curve of
`rfgen.theory.risk`.  The papers prove theirs, with constants they leave open, for sub-Gaussian inputs at finite n.
Equations: theory (9.5) to (9.7).
"""

__all__ = ["BenignBounds", "benign_bounds"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.spectral_tails import SpectralTails
from rfgen.theory.overfitting.effective_rank import critical_level, ranks_at_starts


@record
class BenignBounds:
    """Bounds of the excess risk `variance + bias`, each a scalar () or batched by vmap, in units of the target squared.

    `k`: k*, NaN where there is none below n (upper bounds are then inf, lower ones 0); `scale`: k*/n + n/R_k*.
    """

    variance_lower: Float[Array, "*batch"]
    variance_upper: Float[Array, "*batch"]
    bias_lower: Float[Array, "*batch"]
    bias_upper: Float[Array, "*batch"]
    k: Float[Array, "*batch"]
    scale: Float[Array, "*batch"]


@needs_double_precision
@jax.jit
def benign_bounds(tails: SpectralTails, n: Any, ridge: Any = 0.0, noise: Any = 0.0, b: Any = 2.0) -> BenignBounds:
    """Bounds at `n` samples, `ridge` >= 0 (unnormalised), label noise of variance `noise`; `b` > 1; scalars, traceable.

    `tails` is `spectral_tails(task.spectrum, power, null_power)`: a target shared by all outputs.  Larger b tightens the
    tail's part and loosens the head's.  Needs 64-bit floats.

    >>> import jax, rfgen
    >>> from rfgen.problems.spectra.spectral_tails import spectral_tails
    >>> spectrum = rfgen.Spectrum.spiked(10_100, [1e4] * 100)
    >>> with jax.enable_x64(True):
    ...     bounds = benign_bounds(spectral_tails(spectrum), n=1000, noise=1.0, b=5.0)
    ...     exact = rfgen.theory.risk(rfgen.Task(spectrum, [0.0] * 101).modes, 1000, noise=1.0).test - 1.0
    >>> float(bounds.k), [round(float(value), 3) for value in (bounds.variance_lower, exact, bounds.variance_upper)]
    (100.0, [0.071, 0.221, 0.288])
    """
    n, ridge, noise, b = (jnp.asarray(value, dtype=jnp.float64) for value in (n, ridge, noise, b))
    level = critical_level(tails, n, b, ridge)
    start, stop = jnp.asarray(tails.start), jnp.asarray(tails.stop)
    k = start[level]
    found = (level >= 0) & (k < n)
    level = jnp.where(found, level, 0)
    k = jnp.where(found, start[level], 0.0)
    # on the grid of an infinite tail k* lies between this point and the one before: each bound takes its safe side
    before = jnp.maximum(level - 1, 0)
    below = jnp.where(start[level] > stop[before], before, level)
    rank = ranks_at_starts(tails)
    extra = ridge / jnp.where(found, jnp.asarray(tails.eigenvalue)[level], 1.0)
    rho = rank.first[level] + extra
    second = rho**2 / (rank.first[level] ** 2 / rank.second[level])
    x, s = k / n, n / jnp.where(found, rho, jnp.inf)
    below_x = start[below] / n
    c = b / (1.0 - below_x)
    u = x + n / second / (1.0 - s) ** 2
    bounded = found & (u < 1.0)
    amplification = 1.0 / (1.0 - jnp.where(bounded, u, 0.0))
    tail_power = jnp.asarray(tails.power_beyond)[level]
    below_rho = rank.first[below] + ridge / jnp.where(found, jnp.asarray(tails.eigenvalue)[below], 1.0)
    head = jnp.asarray(tails.power_before)
    head_upper, head_lower = (rho / n) ** 2 * head[level], (below_rho / n) ** 2 * head[below]
    lower = below_x / (1.0 + c) ** 2 + n / second / (s + 1.0 / (1.0 - x)) ** 2
    bias_upper = amplification * (tail_power + head_upper / (1.0 - x) ** 2)
    return BenignBounds(
        variance_lower=jnp.where(found, noise * lower, 0.0),
        variance_upper=jnp.where(bounded, noise * u * amplification, jnp.inf),
        bias_lower=jnp.where(found, (1.0 - s) ** 2 * (tail_power + head_lower / (1.0 + c) ** 2), 0.0),
        bias_upper=jnp.where(bounded, bias_upper, jnp.inf),
        k=jnp.where(found, k, jnp.nan), scale=jnp.where(found, x + n / second, jnp.inf),
    )
