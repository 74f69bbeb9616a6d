"""The error kernel of rows drawn without replacement from N examples, on those left, for two ridges (indices 1, 2).

The first group, of one clean view; f = n/N, theta and u as in `rfgen.equivalents.blocks`, V = theta u.  Let T be the second
moment of the residuals of a row left out: of a row drawn it is V_1 V_2 T, hence of all N rows  g T,  g = 1 - f + f V_1 V_2.
These are also rho + y, rho at the mean weights and y = tr(E Q_1 (E_X + E_F) Q_2) as for independent rows, and E_X = e E,
e = (1 - f) theta_1 theta_2 T / n.  Of unit label noise, fresh in every training set,

    g T = y + 1 - 2 f + f (V_1 + V_2),     e = (1 - f) theta_1 theta_2 T / n + theta_1 theta_2 / N.

The residuals of mean weights on a row left out have rho / (u_1 u_2).  At n = N this is generalised cross-validation, for
N infinite the error kernel of independent rows.  (Derived: two-point function of free compression.)
"""

__all__ = ["held_out_kernel"]

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.blocks import Blocks


def held_out_kernel(
    pair: Inexact[Array, "1 1"], plain: Inexact[Array, "1"], blocks: Blocks, first: Any, second: Any, features: Array,
    target: Inexact[Array, "G m m"], mean_norm: Inexact[Array, ""], shared: str,
) -> tuple[Inexact[Array, "3 1"], Inexact[Array, "1 3"], Inexact[Array, "3"]]:
    """`spread` (3, 1), `train` (1, 3), `norm` (3,) by source, as `block_error_kernel` has them, of rows left out.

    `target`: rho, of unlearnable power too; the other arguments as there.
    """
    if shared not in ("all", "samples"):
        raise ValueError(f"shared must be 'all' or 'samples' without replacement, got {shared!r}")
    limited = jnp.isfinite(features) & (shared == "all")
    dtype = pair.dtype
    share = blocks.share(dtype)
    theta = first.reduction[0, 0, 0] * second.reduction[0, 0, 0]
    u_first, u_second = blocks.held_out(first.reduction), blocks.held_out(second.reduction)
    v_first, v_second = first.reduction[0, 0, 0] * u_first, second.reduction[0, 0, 0] * u_second
    of_all = 1.0 - share + share * v_first * v_second
    weight = blocks.weight[0].astype(dtype)
    response = weight * (1.0 - share) * theta / of_all
    rho = target[0, 0, 0].astype(dtype)
    of_target, of_noise, of_features = jnp.eye(3, dtype=dtype)
    of_labels = 1.0 - 2.0 * share + share * (v_first + v_second)
    given = of_target * rho + of_noise * of_labels
    direct = response * given + of_noise * (weight * share * theta)
    seeds = of_features * mean_norm

    count = jnp.where(limited, features, 1.0).astype(dtype)
    room = count * first.ridge / first.nu + second.nu * first.strength[0] * plain[0]
    through = jnp.where(limited, first.nu * second.nu * plain[0] / room, 0.0)
    reached = pair[0, 0] + through * plain[0]
    moved = (reached * direct + through * seeds) / (1.0 - response * reached)  # y
    source = direct + response * moved  # e
    residuals = (given + moved) / of_all  # T
    norm = seeds + plain[0] * source
    norm = jnp.where(limited, count * norm / room, norm)
    spread = residuals - of_target * (rho / (u_first * u_second)) - of_noise
    train = jnp.sum(blocks.mass).astype(dtype) * v_first * v_second * residuals
    return spread[:, None], train[None], norm
