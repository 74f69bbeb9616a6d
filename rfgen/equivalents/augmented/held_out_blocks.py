"""Blocks of rows drawn without replacement from N examples, each of which may have views, f = n/N.

A sample's row is c x + e: its own part, of one of the N examples, and fresh noise, as of a mean of views.  Group 0 is the
own part, scaled to c = 1, of basis operator 0, which no other group has; group 1 is the noise of the same row; further
groups are independent rows, as of the fluctuations of views.  With t_0 = (1 - f) x'Q_x x for an example left out (Q_x),
t_j = tr(E_j Q), and w the weight of a row,

    1/V_0 = 1 + w (t_0 + D),    1/V_1 = 1 + w (t_0/(1 - f) + D),    D = sum_j covariance_1j t_j.

mass V_0 is the strength of all examples, drawn or not, mass V_1 that of the noise of rows drawn.  The mean residual of an
example left out is that at the mean weights divided by u = V_1/V_0, and  t_0 = tr(E_0 Q) (1 - f)/u.  (Derived: free
compression of the own parts, of which each is left alone with its noise; without noise that of the subsample-ridge
equivalence, arXiv 2305.18496.)  Equation: theory (11.12).
"""

__all__ = ["HeldOutBlocks"]

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.numerics.compilation.record import record


@record
class HeldOutBlocks(Blocks):
    """Groups of one view: own parts, their noise (covariance 0 where there is none), others; `examples` (): N.

    `kept` (), after `resampled`: the share of the training rows that each model draws, None: all.
    """

    examples: Any = None
    kept: Any = None

    def share(self, dtype: Any) -> Array:
        """f = n/N of the rows that a model draws."""
        return (self.mass[0] / self.weight[0] / self.examples).astype(dtype)

    def both(self, dtype: Any) -> Array:
        """The share of the rows of one model that another drew too."""
        return jnp.ones((), dtype) if self.kept is None else self.kept.astype(dtype)

    def resampled(self, draws: Array, probabilities: Array) -> "HeldOutBlocks":
        """Each model draws a share of the training rows, once."""
        if draws.size != 1:
            raise ValueError(
                "resampling must be rg.Subsample(share) of rows drawn without replacement, got one that draws rows again: "
                "make the task with sampling='with replacement'"
            )
        return replace(self, mass=self.mass * probabilities[0], kept=probabilities[0])

    def _shapes(self, dtype: Any) -> Inexact[Array, "G J"]:
        """B: V = 1/(1 + weight B t)."""
        own = self.covariance[:, 0, 0].astype(dtype)
        rows = jnp.stack([own[0] + own[1], own[0] / (1.0 - self.share(dtype)) + own[1]])
        return jnp.concatenate([rows, own[2:]])

    def reduction(self, traces: Inexact[Array, " J"]) -> Inexact[Array, "G 1 1"]:
        """V."""
        excess = self.weight.astype(traces.dtype) * (self._shapes(traces.dtype) @ traces)
        return (1.0 / (1.0 + excess))[:, None, None]

    def held_out(self, reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, ""]:
        """u: what the mean residual of all rows is of that of a row left out."""
        return reduction[1, 0, 0] / reduction[0, 0, 0]

    def _lift(self, reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, ""]:
        """(1 - f)/u."""
        return (1.0 - self.share(reduction.dtype)) / self.held_out(reduction)

    def seen(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, " J"]:
        """t of the traces tr(E_j Q)."""
        return traces.at[0].multiply(self._lift(reduction))

    def of_tests(self, traces: Any) -> Any:
        """x'Qx of examples left out, of t (..., J) of NumPy or JAX."""
        left = 1.0 - self.mass[0] / self.weight[0] / self.examples
        return jnp.concatenate([traces[..., :1] / left, traces[..., 1:]], axis=-1)

    def responses(self, first: Array, second: Array) -> Inexact[Array, "J J"]:
        """Minus the derivative of theta_j in t_i, where first is second."""
        factor = (self.mass * self.weight).astype(first.dtype) * (first * second)[:, 0, 0]
        return jnp.einsum("g,gj,gi->ji", factor, self.covariance[:, 0, 0].astype(first.dtype), self._shapes(first.dtype))

    def seen_slope(
        self, traces: Inexact[Array, " J"], pair: Inexact[Array, "J J"], reduction: Inexact[Array, "G 1 1"]
    ) -> Inexact[Array, "J J"]:
        """Derivative of `seen` in t, for the traces and S of the resolvent at theta(t)."""
        lift, shapes = self._lift(reduction), self._shapes(traces.dtype)
        by = self.weight.astype(traces.dtype)[:2, None] * reduction[:2, 0] * shapes[:2]
        moved = pair @ self.responses(reduction, reduction)
        return moved.at[0].set(lift * (moved[0] + traces[0] * (by[1] - by[0])))

    def degrees(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, ""]:
        """df1, of t: what the rows drawn, and the other groups, fit of themselves."""
        dtype = traces.dtype
        return self.mass[1:].astype(dtype) * reduction[1:, 0, 0] @ (self._shapes(dtype)[1:] @ traces)

    def degrees_slope(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G 1 1"]) -> Inexact[Array, " J"]:
        """Derivative of `degrees` in t."""
        return (self.mass[1:].astype(traces.dtype) * reduction[1:, 0, 0] ** 2) @ self._shapes(traces.dtype)[1:]
