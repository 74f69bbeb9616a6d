"""The error kernel of any number of groups, for two ridges (indices 1, 2).

The trained weights w are their mean w_bar plus fluctuations with  E[w_1 w_2'] - w_bar_1 w_bar_2' = Q_1 (E_X + E_F) Q_2,
E_X = sum_j e_j E_j from the samples, E_F = nu_1 nu_2 phi from the features, phi = E[a_1 . a_2]/features the correlation of
the feature weights.  With y_j = tr(E_j Q_1 (E_X + E_F) Q_2) and residuals of second moment T_g (m x m),

    T_g = T0_g + sum_j covariance_j y_j,      e = response(T),      y = S e + nu_1 nu_2 phi F
    phi (features ridge_1/nu_1 + nu_2 sum_j theta_1j F_j) = w_bar_1 . w_bar_2 + F . e

T0 is the residuals' second moment at the mean weights, label noise included.  The bracket equals
features - tr(M_1 Q_1 M_2 Q_2), as a sum of positive terms.  Linear in its sources T0 (of the target: data variance; of
the label noise: noise) and w_bar_1 . w_bar_2 (features variance): each is solved for apart.  (Derived.)

Two models need not share all that is random.  Features of their own on the same samples: no E_F, and no phi.  Samples of
their own through the same features: no E_X.  Samples that each draws from one training set, and features of its own: E_X
from the draws' mean factors on a sample's residuals.  The equilibrium of each model stays that of the model alone.
(Derived; for one group the decomposition of arXiv 2011.03321.)  Equations: theory (3.1) to (3.10), (5.3) and (8.2).
"""

__all__ = ["BlockErrorKernel", "block_error_kernel"]

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.augmented.held_out_blocks import HeldOutBlocks
from rfgen.equivalents.held_out_kernel import held_out_kernel
from rfgen.numerics.compilation.record import record
from rfgen.numerics.small_systems import solve

# Weights up to here are those of penalties, or of rows that stand for one.
PENALTY = 1e-30


@record
class BlockErrorKernel:
    """By source (target, unit label noise, features), each (3,): `spread` (3, J): y, so that a test population with
    covariance sum_j a_j E_j has the variance `spread @ a`; `train` (G, 3): training loss of each group, without the ridge
    penalty; `norm`: mean squared trained weights (features' own, where there are features).
    """

    spread: Inexact[Array, "*batch 3 J"]
    train: Inexact[Array, "*batch G 3"]
    norm: Inexact[Array, "*batch 3"]


def block_error_kernel(
    pair: Inexact[Array, "J J"], plain: Inexact[Array, " J"], blocks: Blocks, first: BlockEquilibrium,
    second: BlockEquilibrium, features: Array, target: Inexact[Array, "G m m"], noise: Inexact[Array, "G m m"],
    mean_norm: Inexact[Array, ""], shared: str = "all",
) -> BlockErrorKernel:
    """Solve for the variances.

    `pair`, `plain`: S and F of the two resolvents (`rfgen.equivalents.operators`); `target`, `noise`: T0 of the target and
    of unit label noise; `mean_norm`: w_bar_1 . w_bar_2; `shared`: whether the two models share "all", the "samples" alone,
    the "features" alone, or the "population" of samples from which each draws its own (the last two: no `train`).
    """
    if isinstance(blocks, HeldOutBlocks):
        known = target, noise, mean_norm
        return BlockErrorKernel(*held_out_kernel(pair, plain, blocks, first, second, features, *known, shared))
    limited = jnp.isfinite(features) & (shared in ("all", "features"))
    count = jnp.where(limited, features, 1.0).astype(pair.dtype)
    reductions = (first.reduction, second.reduction)
    if shared == "population":
        response = partial(blocks.response_between, *reductions)
        responses = jax.vmap(response, in_axes=-1, out_axes=1)(blocks.covariance)
    else:
        response, responses = partial(blocks.response, *reductions), blocks.responses(*reductions)
    direct = jnp.stack([response(one) for one in (target, noise)], axis=1)
    if shared == "features":
        responses, direct = jnp.zeros_like(responses), jnp.zeros_like(direct)
    zero = jnp.zeros((direct.shape[0], 1), direct.dtype)
    direct = jnp.concatenate([direct, zero], axis=1)  # (J, sources)
    seeds = jnp.zeros(3, direct.dtype).at[2].set(mean_norm)

    size = direct.shape[0]
    across = first.nu * second.nu * plain
    room = count * first.ridge / first.nu + second.nu * (first.strength @ plain)
    matrix = jnp.eye(size + 1, dtype=direct.dtype)
    matrix = matrix.at[:size, :size].add(-pair @ responses).at[:size, size].set(-across)
    feature_row = jnp.append(-plain @ responses, room)
    matrix = matrix.at[size].set(jnp.where(limited, feature_row, matrix[size]))
    constant = jnp.concatenate([pair @ direct, jnp.where(limited, seeds + plain @ direct, 0.0)[None]])
    # rows in units of their largest entry: at tiny ridges norms are as large as 1/ridge
    rows = jnp.max(jnp.abs(matrix), axis=1, keepdims=True).astype(matrix.dtype)
    determinant = None
    if matrix.shape[0] == 2 and jnp.iscomplexobj(matrix) and first.reduction.shape[1] == 1 and shared in ("all", "samples"):
        known = (plain[0] != 0.0) & jnp.all(blocks.weight > PENALTY)
        own, whole = _without_differences(blocks, first, second, count, plain[0], responses[0, 0])
        matrix = matrix.at[0, 0].set(jnp.where(known, own, matrix[0, 0]))
        plainly = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
        determinant = jnp.where(known & limited, whole, plainly) / (rows[0, 0] * rows[1, 0])
    unknowns = _solve(matrix / rows, constant / rows, determinant)
    spread, phi = unknowns[:size], unknowns[size]

    norm = jnp.where(limited, count * phi, seeds + plain @ (direct + responses @ spread))
    covariance = blocks.covariance.astype(direct.dtype)
    zeros = jnp.zeros_like(target)
    residuals = jnp.stack([target, noise, zeros], axis=-1) + jnp.einsum("gklj,js->gkls", covariance, spread)
    train = jnp.einsum("g,gka,gabs,gkb->gs", blocks.mass.astype(direct.dtype), first.reduction, residuals, second.reduction)
    return BlockErrorKernel(spread=spread.T, train=train, norm=norm)


def _solve(
    matrix: Inexact[Array, "N N"], constant: Inexact[Array, "N sources"], determinant: Array | None
) -> Inexact[Array, "N sources"]:
    # pairs of complex nodes come in millions: Cramer's rule takes 0.3 us where a factorisation takes 3
    if matrix.shape[0] != 2 or not jnp.iscomplexobj(matrix):
        return solve(matrix, constant)
    (a, b), (c, d) = matrix
    first, second = constant
    whole = a * d - b * c if determinant is None else determinant
    return jnp.stack([d * first - b * second, a * second - c * first]) / whole


def _without_differences(
    blocks: Blocks, first: BlockEquilibrium, second: BlockEquilibrium, features: Array, plain: Array, responses: Array
) -> tuple[Array, Array]:
    """1 - S K, and (1 - S K) (features ridge_1/nu_1 + nu_2 theta_1 F) - nu_1 nu_2 F F K, of one basis operator and rows of
    one view, K the responses: at late times all but V and ridge/nu cancels in them.

    By theta_2 S = t_1 - nu_2 F and (nu_2 theta_1 - nu_1 theta_2) F = df1_1 - df1_2 = sum of mass/weight (V_2 - V_1).
    """
    dtype = plain.dtype
    mass, weight, seen = (part.astype(dtype) for part in (blocks.mass, blocks.weight, blocks.covariance[:, 0, 0, 0]))
    v1, v2, across = first.reduction[:, 0, 0], second.reduction[:, 0, 0], second.nu * plain
    both = mass * seen * v1 * v2
    ratios = (weight * seen)[:, None] / weight
    crossed = both @ ((v1 * (seen - ratios) + ratios * v2) @ mass)
    own = (jnp.sum(both) + across * responses) / second.strength[0]
    return own, own * features * first.ridge / first.nu + across * crossed / second.strength[0]
