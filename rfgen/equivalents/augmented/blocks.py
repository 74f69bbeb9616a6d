"""Blocks: the law of one training sample's views, for any number of groups of samples.

The training objective is  sum_g mass_g E|labels - views w|^2 + lambda |w|^2, where group g has independent samples, each a
block of m views whose second moments are  C_kl = sum_j covariance[g, k, l, j] E_j  over the basis operators.  `weight` is
the weight of one squared residual and `mass` the weight times the number of samples: plain ridge regression has one group
of one view with weight 1/n, mass 1 and lambda = ridge/n.  Views that change as a whole (a random gain) are blocks given
their pattern; where moments suffice, a sample is one row of a first group and its views' fluctuations are rows of a second
one (m = 1).  Weight 0 is a deterministic penalty, as of infinitely many views.

Deterministic equivalent (derived; `theta` as a function of the block traces t_j = tr(E_j Q)):

    D_g = weight_g sum_j covariance_j t_j,   V_g = (1 + D_g)^-1,   theta_j = sum_g mass_g sum_kl (V_g)_kl covariance_kl,j

`theta` decreases and is convex in t, the order being that of positive matrices.

A resampled training set has groups of samples drawn once, twice, ...: `origin` keeps which groups were one before.
Equations: theory (5.8) to (5.10), (8.7) and (8.8).
"""

__all__ = ["Blocks"]

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.numerics.compilation.record import record


@record
class Blocks:
    """`mass` (G,), `weight` (G,), `covariance` (G, m, m, J), symmetric in the two views.

    `origin` (O, G), after `resampled`: 1/sqrt(mass before) where group g is of group o before, those drawn once first.
    """

    mass: Any
    weight: Any
    covariance: Any
    origin: Any = None
    # N of rows drawn without replacement, see `held_out_blocks`
    examples = None

    def held_out(self, reduction: Inexact[Array, "G m m"]) -> Inexact[Array, ""]:
        """What the mean residual of all rows is of that of a row left out: 1 for independent rows."""
        return jnp.ones((), reduction.dtype)

    def seen(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G m m"]) -> Inexact[Array, " J"]:
        """t, as the rows' reductions take it, of the traces tr(E_j Q)."""
        del reduction
        return traces

    def of_tests(self, traces: Any) -> Any:
        """x'Qx of rows that Q does not know, of t (..., J) of NumPy or JAX."""
        return traces

    def seen_slope(
        self, traces: Inexact[Array, " J"], reached: Inexact[Array, " J"], pair: Inexact[Array, "J J"],
        reduction: Inexact[Array, "G m m"],
    ) -> Inexact[Array, "J J"]:
        """Derivative of `seen` in t, for the traces `reached` and S of the resolvent at theta(t)."""
        del traces, reached
        return pair @ self.responses(reduction, reduction)

    def degrees(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G m m"]) -> Inexact[Array, ""]:
        """df1 = sum_j theta_j tr(E_j Q), of t."""
        return self.strength(reduction) @ traces

    def degrees_slope(self, traces: Inexact[Array, " J"], reduction: Inexact[Array, "G m m"]) -> Inexact[Array, " J"]:
        """Derivative of `degrees` in t."""
        return self.strength(reduction) - traces @ self.responses(reduction, reduction)

    def of_samples(self, n: Any) -> "Blocks":
        """The blocks of `n` samples, from those with weights times n."""
        return replace(self, weight=self.weight / n)

    def resampled(self, draws: Array, probabilities: Array) -> "Blocks":
        """Each sample is drawn `draws` (values,) times with `probabilities` (values,), 1 first and 0 left out."""

        def spread(values: Array, factor: Array) -> Array:
            return (values[:, None] * factor).ravel()

        mass = jnp.asarray(self.mass)
        before = jnp.where(mass > 0.0, 1.0 / jnp.sqrt(jnp.where(mass > 0.0, mass, 1.0)), 0.0)
        return Blocks(
            spread(mass, draws * probabilities), spread(self.weight, draws),
            jnp.repeat(jnp.asarray(self.covariance), draws.size, axis=0),
            jnp.repeat(jnp.diag(before), draws.size, axis=1),
        )

    def response_between(self, first: Array, second: Array, residuals: Inexact[Array, "G m m"]) -> Inexact[Array, " J"]:
        """`response` where the two models draw samples for themselves from one training set."""
        dtype = first.dtype
        taken = self.origin.astype(dtype) * self.mass.astype(dtype)
        once = jnp.argmax(self.origin > 0.0, axis=1)
        one, two = (jnp.einsum("og,gkl->okl", taken, each) for each in (first, second))
        through = jnp.einsum("oka,oab,olb->okl", one, residuals[once].astype(dtype), two)
        weight, covariance = self.weight[once].astype(dtype), self.covariance[once].astype(dtype)
        return jnp.einsum("o,okl,oklj->j", weight, through, covariance)

    def reduction(self, traces: Inexact[Array, " J"]) -> Inexact[Array, "G m m"]:
        """V, the factor that training puts on the residuals of one sample's views."""
        excess = self.weight.astype(traces.dtype)[:, None, None] * (self.covariance.astype(traces.dtype) @ traces)
        if excess.shape[-1] == 1:
            return 1.0 / (1.0 + excess)
        return jnp.linalg.inv(jnp.eye(excess.shape[-1], dtype=traces.dtype) + excess)

    def strength(self, reduction: Inexact[Array, "G m m"]) -> Inexact[Array, " J"]:
        """theta: M = sum_j theta_j E_j is the deterministic equivalent of the training second moment."""
        dtype = reduction.dtype
        return jnp.einsum("g,gkl,gklj->j", self.mass.astype(dtype), reduction, self.covariance.astype(dtype))

    def rows(self, reduction: Inexact[Array, "G m m"]) -> tuple[Array, Array]:
        """Rows that are not 0 (), and those left over: rows - df1 (), without a difference; inf where a weight is 0."""
        live = jnp.any(jnp.einsum("gkkj->gkj", self.covariance) != 0.0, axis=-1)
        weighing = jnp.where(self.weight > 0.0, self.weight, 1.0)
        samples = jnp.where(self.weight > 0.0, self.mass / weighing, jnp.inf)[:, None]
        counts = jnp.where(live & (self.mass[:, None] > 0.0), samples, 0.0)
        return jnp.sum(counts), jnp.einsum("gk,gkk->", counts.astype(reduction.dtype), reduction)

    def response(self, first: Array, second: Array, residuals: Inexact[Array, "G m m"]) -> Inexact[Array, " J"]:
        """Coefficients e_j of E_X = sum_j e_j E_j, the fluctuations that residuals of second moment `residuals` cause."""
        dtype = first.dtype
        through = jnp.einsum("gka,gab,glb->gkl", first, residuals.astype(dtype), second)
        return jnp.einsum("g,gkl,gklj->j", (self.mass * self.weight).astype(dtype), through, self.covariance.astype(dtype))

    def responses(self, first: Array, second: Array) -> Inexact[Array, "J J"]:
        """K[j, i] = response to residuals covariance_i; also minus the derivative of theta_j in t_i, if first is second."""
        covariance = self.covariance.astype(first.dtype)
        if covariance.shape[1] == 1:
            factor = (self.mass * self.weight).astype(first.dtype) * (first * second)[:, 0, 0]
            return jnp.einsum("g,gj,gi->ji", factor, covariance[:, 0, 0], covariance[:, 0, 0])
        weighted = (self.mass * self.weight).astype(first.dtype)[:, None, None] * first
        through = jnp.einsum("gka,gabi,glb->gkli", weighted, covariance, second).reshape(-1, covariance.shape[-1])
        table = jnp.asarray(self.covariance).reshape(through.shape).T
        if jnp.iscomplexobj(through) and not jnp.iscomplexobj(table):  # two real products are half of a complex one
            return jax.lax.complex(table @ through.real, table @ through.imag)
        return table.astype(through.dtype) @ through
