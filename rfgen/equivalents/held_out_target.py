"""What rows left out miss at their clean point, where they are trained on views whose mean is not in proportion to it.

Of an example let s = y - z'w be the residual at its test point z, r that of its mean view (own part) mu, p the fit to its
noise.  Left out these are s, r; drawn, with l = a mu'Q_x mu and l' = a z'Q_x mu, a as in `held_out_kernel`, they are
s - l'(r + p) and r - l(r + p).  So over all N examples, E, for two ridges, y_zm = tr(E[mu z'] Q_1 (E_X + E_F) Q_2) and so
on, T and P as there,

    T_zm u_2 = rho_zm + y_zm + E[l'_1] T - E[l'_1 l_2] (T + P)                  (s of the first, r of the second)
    T_zz     = rho_zz + y_zz + E[l'_2] T_zm + E[l'_1] T_mz - E[l'_1 l'_2] (T + P)

and of the mean residuals alone  s = s_0 + (E[l']/u) r_0,  r = r_0/u,  u = 1 - E[l].  For z = mu this is T.  (Derived.)
Operators: own parts, noise, E_zz, E[(z + mu)(z + mu)'], half of E[mu z' - z mu'], of trace 0: none but the last is signed.
Equations: theory (11.17) and (11.18).
"""

__all__ = ["HeldOutTarget", "at_clean_points"]

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.augmented.held_out_blocks import HeldOutBlocks
from rfgen.equivalents.targets import VectorTarget
from rfgen.numerics.compilation.record import record


@record
class HeldOutTarget(VectorTarget):
    """Also, of the label s that training sees: `seen` (): E[y s]; `seen_cross` (p,): E[z s], `own_cross` (p,): E[mu y]."""

    seen: Any
    seen_cross: Any
    own_cross: Any

    @property
    def by_output(self) -> "HeldOutTarget":
        """0 for the fields that have one entry an output, None for the others."""
        return HeldOutTarget(0, 0, None, None, 0, 0, 0, 0, 0)


def at_clean_points(
    operators: Any, blocks: Blocks, target: HeldOutTarget, first: BlockEquilibrium, second: BlockEquilibrium,
    weights: tuple[Inexact[Array, " p"], Inexact[Array, " p"]], residuals: Inexact[Array, "G 1 1"],
    spread: Inexact[Array, "3 J"], shared: str,
) -> tuple[Inexact[Array, ""], Inexact[Array, " 3"]]:
    """Bias and variance by source on rows left out, from the mean `weights`, their `residuals`, the kernel's `spread`."""
    assert isinstance(blocks, HeldOutBlocks)
    dtype = spread.dtype

    def cast(value: Any) -> Array:
        return jnp.asarray(value).astype(dtype)

    (one, two), known = weights, blocks.of_part(residuals)[:, 0, 0]
    shares = cast(blocks.shares(dtype))
    common = 0.0 if shared == "features" else 1.0

    def of_point(at: BlockEquilibrium) -> tuple[Array, Array, Array]:
        """u, l, l'."""
        u, t = cast(blocks.held_out(at.reduction)), cast(at.traces)
        force, own = cast(blocks.force(at.reduction)), blocks.of_tests(t)[0]
        return u, force * own, force * (t[3] - t[2] - own * u) / (2.0 * u)

    (u_1, own_1, clean_1), (u_2, own_2, clean_2) = of_point(first), of_point(second)
    forms = jnp.einsum("p,jpq,q->j", one, cast(operators.basis), two)

    def mixed(values: Array) -> tuple[Array, Array]:
        """Of z and mu, and of mu and z, from those of the operators, mu first."""
        alike = (values[3] - values[2] - values[0]) / 2.0
        return alike + values[4], alike - values[4]

    rho_zz = cast(target.test_second) - (one + two) @ cast(target.test_cross) + forms[2]
    # w_1'E_mz w_2 is of the first at mu
    form_mz, form_zm = mixed(forms)
    rho_zm = cast(target.seen) - one @ cast(target.seen_cross) - two @ cast(target.own_cross) + form_zm
    rho_mz = cast(target.seen) - two @ cast(target.seen_cross) - one @ cast(target.own_cross) + form_mz
    lift_1, lift_2 = shares @ clean_1 / u_1, shares @ clean_2 / u_2
    bias = rho_zz + lift_2 * rho_zm + lift_1 * rho_mz + lift_1 * lift_2 * known[0]

    def of_target(value: Array) -> Array:
        return jnp.zeros(3, dtype).at[0].set(value)

    own = spread[:, 0] + of_target(known[0] / (u_1 * u_2))
    noise = spread @ cast(blocks.of_part(blocks.covariance)[1, 0, 0]) + of_target(known[1])
    noise = noise.at[1].add(cast(target.label[0, 0] ** 2))

    def drawn(first: Array, second: Array) -> Array:
        """What the two fits have in common of rows drawn."""
        return blocks.together(first, second, shared) * (own + common * noise)

    y_mm = own - shares @ (own_1 + own_2) * own + drawn(own_1, own_2) - of_target(known[0])
    # tr(E[mu z'] ...) is of the first at z
    y_zm, y_mz = mixed(spread.at[:, 0].set(y_mm).T)
    t_zm = (of_target(rho_zm) + y_zm + shares @ clean_1 * own - drawn(clean_1, own_2)) / u_2
    t_mz = (of_target(rho_mz) + y_mz + shares @ clean_2 * own - drawn(own_1, clean_2)) / u_1
    of_all = of_target(rho_zz - bias) + spread[:, 2] + shares @ clean_2 * t_zm + shares @ clean_1 * t_mz
    return bias, of_all - drawn(clean_1, clean_2)
