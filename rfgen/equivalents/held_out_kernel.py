"""The error kernel of rows drawn without replacement from N examples, on those left, for two ridges (indices 1, 2).

Groups, V, u and p_m as in `rfgen.equivalents.augmented.held_out_blocks`; P the second moment of the fits to a row's noise,
label noise included, R_g that of the residuals of a further part.  Let T be the second moment of the residuals of an
example left out.  A row drawn m times has the residual V_m (that of the example left out, less its noise), and on its own
part 1 - l of the former and l of the latter, l = a x'Q_x x, a = m w V_m the pull of the row; both are 0 where it is not
drawn.  Over all N examples, E, the mean is rho + y_0, rho at the mean weights, so that

    T E[(1 - l_1)(1 - l_2)] = rho + y_0 - P E[l_1 l_2],    y_j = tr(E_j Q_1 (sum_i e_i E_i + E_F) Q_2)
    e_0 = N (Cov(a_1, a_2) T + E[a_1 a_2] P)/(u_1 u_2),    e_j = N sum_g E[a_g1 a_g2] covariance_gj R_g,  R_1 = T + P.

Two bags of one training set draw each row of it for itself: E[a_1 a_2] = E[a_1] E[a_2] N/n.  Two independent draws (which
share the "features" at most) have E[a_1] E[a_2], no noise in common, and no e.  The mean residuals of an example left out
have rho / (u_1 u_2).  At n = N this is generalised cross-validation, for N infinite the error kernel of independent rows.
(Derived: two-point function of free compression.)  Equations: theory (11.13) and (11.18).
"""

__all__ = ["held_out_kernel"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.augmented.held_out_blocks import HeldOutBlocks
from rfgen.numerics.small_systems import solve


def held_out_kernel(
    pair: Inexact[Array, "J J"], plain: Inexact[Array, " J"], blocks: HeldOutBlocks, first: Any, second: Any,
    features: Array, target: Inexact[Array, "G 1 1"], noise: Inexact[Array, "G 1 1"], mean_norm: Inexact[Array, ""],
    shared: str,
) -> tuple[Inexact[Array, "3 J"], Inexact[Array, "1 3"], Inexact[Array, "3"]]:
    """`spread` (3, J), `train` (1, 3), `norm` (3,) by source, as `block_error_kernel` has them, of rows left out.

    `target`: rho, of unlearnable power too, and the fits to noise at the mean weights; other arguments as there.
    """
    limited = jnp.isfinite(features) & (shared in ("all", "features"))
    dtype = pair.dtype
    covariance, known = (blocks.of_part(part)[:, 0, 0].astype(dtype) for part in (blocks.covariance, target))
    one, two = first.reduction[:, 0, 0], second.reduction[:, 0, 0]
    (left_1, fitted_1), (left_2, fitted_2) = (blocks.fitted(at.traces, at.reduction) for at in (first, second))
    of_all = blocks.together(left_1, left_2, shared, nothing=1.0)
    # what is drawn twice, independently, has noise of its own each time
    common = jnp.zeros((), dtype) if shared == "features" else jnp.ones((), dtype)
    shrunk = common * blocks.together(fitted_1, fitted_2, shared)
    pulls, scattered = blocks.pulls(one, two, shared)
    pulls = common * pulls

    def left_out(spread: Array, means: Array, noise: Array) -> tuple[Array, Array, Array]:
        """T, P, and residuals of the groups behind the first."""
        others = (means[1:] + covariance[1:] @ spread).at[0].add(noise)
        own = (means[0] + spread[0] - shrunk * others[0]) / of_all
        return own, others[0], others.at[0].add(own)

    def sources(spread: Array, means: Array, noise: Array) -> Array:
        """e (J,)."""
        own, noisy, rows = left_out(spread, means, noise)
        return (pulls[1:] * rows) @ covariance[1:] + covariance[0] * (scattered * own + pulls[0] * noisy)

    nothing, none = jnp.zeros_like(plain), jnp.zeros_like(known)
    zero = jnp.zeros((), dtype)
    # by source: target, unit label noise, features
    means = jnp.stack([known, none, none])
    noises = jnp.zeros(3, dtype).at[1].set(noise[0, 0, 0].astype(dtype))
    responses = jax.vmap(lambda spread: sources(spread, none, zero), out_axes=1)(jnp.eye(plain.size, dtype=dtype))
    direct = jax.vmap(lambda mean, noise: sources(nothing, mean, noise), out_axes=1)(means, noises)
    seeds = jnp.zeros(3, dtype).at[2].set(mean_norm)

    # the features' correlation is eliminated: features weights have seeds + F e over `room`
    count = jnp.where(limited, features, 1.0).astype(dtype)
    room = count * first.ridge / first.nu + second.nu * (first.strength @ plain)
    through = jnp.where(limited, first.nu * second.nu / room, 0.0) * plain
    reached = pair + through[:, None] * plain
    constant = reached @ direct + through[:, None] * seeds
    matrix = jnp.eye(plain.size, dtype=dtype) - reached @ responses
    moved = solve(matrix, constant)  # y (J, 3)
    norm = seeds + plain @ (direct + responses @ moved)
    norm = jnp.where(limited, count * norm / room, norm)
    own, _, rows = jax.vmap(left_out)(moved.T, means, noises)
    lifts = blocks.held_out(first.reduction) * blocks.held_out(second.reduction)
    spread = moved.T.at[:, 0].set(own.at[0].add(-known[0] / lifts))
    weighed = (blocks.mass.astype(dtype) * one * two).reshape(-1, blocks.draws)
    train = rows @ jnp.sum(weighed[1:], axis=1)
    return spread, train[None], norm
