"""Blocks of rows drawn without replacement from N examples, each of which may have views, f = n/N.

A sample's row is c x + e: its own part, of one of the N examples, and fresh noise, as of a mean of views.  Groups are of
own parts, scaled to c = 1, of basis operator 0, which no other group has; of the noise of the same rows; of independent
rows, as of the fluctuations of views.  Each part has one group for each number m of times that a model may draw a row: a
share p_m of the examples, and p_0 not at all.  With t_0 = p_0 x'Q_x x for an example left out (Q_x), t_j = tr(E_j Q), and w
the weight of a row that is drawn once,

    1/V_m = 1 + m w (t_0/p_0 + D),    D = sum_j covariance_1j t_j,    u = p_0 + sum_m p_m V_m (1 + m w D).

sum_m mass_m V_m/u is the strength of all examples, drawn or not, sum_m mass_m V_m that of the noise of rows drawn.  The
mean residual of an example left out is that at the mean weights divided by u, and  t_0 = tr(E_0 Q) p_0/u.  (Derived: free
compression of the own parts, of which each is left alone with its noise; without noise and rows drawn again that of the
subsample-ridge equivalence, arXiv 2305.18496.)  Equations: theory (11.12) and (11.18).
"""

__all__ = ["HeldOutBlocks"]

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.numerics.compilation.record import record


@record
class HeldOutBlocks(Blocks):
    """Groups of one view: own parts, their noise (covariance 0 where there is none), others; `examples` (): N.

    `kept` (M,), after `resampled`: the shares of the training rows that each model draws once, ...; None: all, once.
    """

    examples: Any = None
    kept: Any = None

    @property
    def draws(self) -> int:
        """M: the numbers of times that a row may be drawn, each with groups of its own."""
        return 1 if self.kept is None else self.kept.size

    def shares(self, dtype: Any) -> Any:
        """p_m (M,) of the rows that a model draws, of NumPy or JAX."""
        return (self.mass[: self.draws] / self.weight[: self.draws] / self.examples).astype(dtype)

    def left(self, dtype: Any) -> Array:
        """p_0."""
        return 1.0 - jnp.sum(self.shares(dtype))

    def together(
        self, first: Inexact[Array, " M"], second: Inexact[Array, " M"], shared: str, nothing: float = 0.0
    ) -> Inexact[Array, ""]:
        """Mean over all examples of the product of what two models have of each, `nothing` where it is not drawn; `shared`
        as in `block_error_kernel`.
        """
        shares = self.shares(first.dtype)
        if shared in ("all", "samples"):
            return self.left(first.dtype) * nothing**2 + shares @ (first * second)
        within = self._within(first.dtype, shared)
        one, two = ((within - jnp.sum(shares)) * nothing + shares @ each for each in (first, second))
        return (1.0 - within) * nothing**2 + one * two / within

    def scatter(self, first: Inexact[Array, " M"], second: Inexact[Array, " M"], shared: str) -> Inexact[Array, ""]:
        """`together`, 0 where not drawn, less the product of the two means, without the difference."""
        shares = self.shares(first.dtype)
        one, two, some = shares @ first, shares @ second, jnp.sum(shares)
        if shared in ("all", "samples"):
            return shares @ ((first - one / some) * (second - two / some)) + self.left(first.dtype) / some * one * two
        within = self._within(first.dtype, shared)
        return (1.0 - within) / within * one * two

    def _within(self, dtype: Any, shared: str) -> Array:
        """Of the examples, those that both models draw from, each for itself."""
        if shared == "population":
            return self.shares(dtype)[0] / self.kept[0].astype(dtype)
        return jnp.ones((), dtype)

    def pulls(self, first: Array, second: Array, shared: str) -> tuple[Inexact[Array, " parts"], Inexact[Array, ""]]:
        """Of own parts, noise and others: mean products of two forces per residual; and what scatters of the first."""
        dtype = first.dtype
        scale = (self.mass * self.weight).reshape(-1, self.draws)[:, 0].astype(dtype) / self.shares(dtype)[0]
        times = (self.weight[: self.draws] / self.weight[0]).astype(dtype)
        one, two = (times * each.reshape(-1, self.draws) for each in (first, second))
        product = jax.vmap(lambda one, two: self.together(one, two, shared))(one, two)
        return scale * product, scale[0] * self.scatter(one[0], two[0], shared)

    def resampled(self, draws: Array, probabilities: Array) -> "HeldOutBlocks":
        """Each model draws each of the training rows `draws` (M,) times with `probabilities` (M,), for itself."""
        made = super().resampled(draws, probabilities)
        return replace(self, mass=made.mass, weight=made.weight, covariance=made.covariance, kept=probabilities)

    def of_part(self, values: Array) -> Array:
        """Of own parts, noise and others, from those of the groups."""
        return values[:: self.draws]

    def _shapes(self, dtype: Any) -> Inexact[Array, "parts J"]:
        """B: V = 1/(1 + weight B t)."""
        own = self.of_part(self.covariance)[:, 0, 0].astype(dtype)
        return own[1:].at[0].add(own[0] / self.left(dtype))

    def reduction(self, traces: Inexact[Array, " J"]) -> Inexact[Array, "G 1 1"]:
        """V, of own parts over u."""
        dtype, own = traces.dtype, self.draws
        weight = self.weight.astype(dtype).reshape(-1, own)
        reduced = 1.0 / (1.0 + weight[1:] * (self._shapes(dtype) @ traces)[:, None])
        noise = self.covariance[own, 0, 0].astype(dtype) @ traces
        mean = self.left(dtype) + self.shares(dtype) @ (reduced[0] * (1.0 + weight[0] * noise))
        return jnp.concatenate([reduced[:1] / mean, reduced]).reshape(-1, 1, 1)

    def held_out(self, reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, ""]:
        """u: what the mean residual of all rows is of that of a row left out."""
        return reduction[self.draws, 0, 0] / reduction[0, 0, 0]

    def force(self, reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, " M"]:
        """m w V_m, the pull of a row drawn m times, of its residual left out."""
        own = self.draws
        return self.weight[:own].astype(reduction.dtype) * reduction[own : 2 * own, 0, 0]

    def fitted(
        self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G 1 1"]
    ) -> tuple[Inexact[Array, " M"], Inexact[Array, " M"]]:
        """1 - l and l, what a row drawn m times leaves and fits of its own part, neither as a difference."""
        own, force = self.draws, self.force(reduction)
        noise = self.covariance[own, 0, 0].astype(traces.dtype) @ traces
        return reduction[own : 2 * own, 0, 0] + force * noise, force * self.of_tests(traces)[0]

    def seen(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, " J"]:
        """t of the traces tr(E_j Q)."""
        return traces.at[0].multiply(self.left(traces.dtype) / self.held_out(reduction))

    def of_tests(self, traces: Any) -> Any:
        """x'Qx of examples left out, of t (..., J) of NumPy or JAX."""
        return jnp.concatenate([traces[..., :1] / self.left(traces.dtype), traces[..., 1:]], axis=-1)

    def responses(self, first: Array, second: Array) -> Inexact[Array, "J J"]:
        """Minus the derivative of theta_j in t_i, where first is second."""
        pulls, scattered = self.pulls(first[:, 0, 0], second[:, 0, 0], "all")
        own = self.of_part(self.covariance)[:, 0, 0].astype(first.dtype)
        slopes = jnp.einsum("g,gj,gi->ji", pulls[1:], own[1:], self._shapes(first.dtype))
        return slopes + own[0][:, None] * (scattered / self.left(first.dtype) * own[0] + pulls[0] * own[1])

    def seen_slope(
        self, traces: Inexact[Array, " J"], reached: Inexact[Array, " J"], pair: Inexact[Array, "J J"],
        reduction: Inexact[Array, "G 1 1"],
    ) -> Inexact[Array, "J J"]:
        """Derivative of `seen` in t, for the traces `reached` and S of the resolvent at theta(t)."""
        dtype = traces.dtype
        left, fit = self.fitted(traces, reduction)
        force = self.shares(dtype) * self.force(reduction)
        u, out = self.held_out(reduction), self.left(dtype)
        own = self.of_part(self.covariance)[:2, 0, 0].astype(dtype)
        # of -log u
        by = (force @ left / out * own[0] - force @ fit * own[1]) / u
        moved = pair @ self.responses(reduction, reduction)
        return moved.at[0].set(out / u * (moved[0] + reached[0] * by))

    def degrees(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, ""]:
        """df1, of t: what the rows drawn, and the other groups, fit of themselves."""
        return self._strengths(reduction[:, 0, 0]) @ (self._shapes(traces.dtype) @ traces)

    def degrees_slope(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, " J"]:
        """Derivative of `degrees` in t."""
        return self._strengths(reduction[:, 0, 0] ** 2) @ self._shapes(traces.dtype)

    def _strengths(self, reductions: Inexact[Array, " G"]) -> Inexact[Array, " parts"]:
        """Of noise and others."""
        return jnp.sum((self.mass.astype(reductions.dtype) * reductions).reshape(-1, self.draws)[1:], axis=1)
