"""What rows left out miss at their clean point, where they are trained on views whose mean is not in proportion to it.

Of an example let s = y - z'w be the residual at its test point z, r that of its mean view (own part) mu, p the fit to its
noise.  Left out these are s, r; drawn, with l = w mu'Q_x mu V_1 and l' = w z'Q_x mu V_1, they are s - l'(r + p) and
r - l(r + p).  So over all N examples, y_zz = tr(E_zz Q_1 (E_X + E_F) Q_2) and so on, T and P as in `held_out_kernel`,

    T_zm (1 - f l) = rho_zm + y_zm + f l' (1 - l) T - f l' l P
    T_zz           = rho_zz + y_zz + 2 f l' T_zm - f l'^2 (T + P)

and of the mean residuals alone  s = s_0 + (f l'/u) r_0,  r = r_0/u,  u = 1 - f l.  For z = mu this is T.  (Derived.)
Operators: own parts, noise, E_zz, and E[(z + mu)(z + mu)'], from which by polarisation what is of z and mu.
Equation: theory (11.17).
"""

__all__ = ["HeldOutTarget", "at_clean_points"]

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.equivalents.augmented.held_out_blocks import HeldOutBlocks
from rfgen.equivalents.targets import VectorTarget
from rfgen.numerics.compilation.record import record


@record
class HeldOutTarget(VectorTarget):
    """Also, s being the label that training sees: `seen` (): E[y s]; `crossed` (p,): E[z s] + E[mu y]."""

    seen: Any
    crossed: Any

    @property
    def by_output(self) -> "HeldOutTarget":
        """0 for the fields that have one entry an output, None for the others."""
        return HeldOutTarget(0, 0, None, None, 0, 0, 0, 0)


def at_clean_points(
    operators: Any, blocks: HeldOutBlocks, target: HeldOutTarget, at: BlockEquilibrium, residuals: Float[Array, "G 1 1"],
    spread: Float[Array, "3 J"], shared: str,
) -> tuple[Float[Array, ""], Float[Array, " 3"]]:
    """Bias and variance by source on rows left out, from the mean weights' `residuals` and the kernel's `spread`."""
    f, known = blocks.share(spread.dtype), residuals[:, 0, 0]
    both = f if shared == "features" else 1.0
    common = 0.0 if shared == "features" else 1.0
    reached, u = operators.one_point(at.resolvent), blocks.held_out(at.reduction)
    fitted = blocks.weight[0] * at.reduction[1, 0, 0] / u
    own, clean = fitted * reached[0], fitted * (reached[3] - reached[2] - reached[0]) / 2.0

    weights = target.mean(operators, blocks, at)
    forms = jnp.einsum("p,jpq,q->j", weights, operators.basis, weights)
    rho_zz = target.test_second - 2.0 * weights @ target.test_cross + forms[2]
    mixed = (forms[3] - forms[2] - forms[0]) / 2.0
    rho_zm = target.seen - weights @ target.crossed + mixed
    lift = f * clean / u
    bias = rho_zz + 2.0 * lift * rho_zm + lift**2 * known[0]

    def of_target(value: Array) -> Array:
        return jnp.zeros(3, spread.dtype).at[0].set(value)

    views = spread[:, 0] + of_target(known[0] / u**2)
    noise = spread @ blocks.covariance[1, 0, 0] + of_target(known[1]) + jnp.zeros(3).at[1].set(target.label[0, 0] ** 2)
    double, shrunk = f * both, f * common
    y_mm = views * (1.0 - 2.0 * f * own + double * own**2) + shrunk * own**2 * noise - of_target(known[0])
    y_zm = (spread[:, 3] - spread[:, 2] - y_mm) / 2.0
    cross = of_target(rho_zm) + y_zm + clean * (f - double * own) * views - shrunk * clean * own * noise
    cross = cross / u
    of_all = of_target(rho_zz) + spread[:, 2] + 2.0 * f * clean * cross
    return bias, of_all - clean**2 * (double * views + shrunk * noise) - of_target(bias)
