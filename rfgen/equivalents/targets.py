"""What the groups learn, and at which residuals their mean weights leave them.

Two representations, as of the operators.  `ModeTarget`: the labels are those of a teacher w on clean coordinates x, of
power lambda_i w_i^2 in mode i; view k is `gain_k x` plus noise, its label `label_k w.x`.  All residuals are then sums of
(w - w_bar)' E_j (w - w_bar), (w - w_bar)' E_j w_bar and w_bar' E_j w_bar, none of which cancel. `VectorTarget`: cross
moments r_kl = E[view_k label_l] as vectors, for frozen features.  Equations: theory (1.6).
"""

__all__ = ["MeanFit", "ModeTarget", "NoiseTarget", "VectorTarget", "WeightTarget"]

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.numerics.compilation.record import record


@record
class MeanFit:
    """At the mean weights: `residuals` (G, m, m), second moments of the views' residuals without label noise; `bias` (), or
    (tests,): squared error on the test population without unlearnable power; `norm` (): w_bar_1 . w_bar_2.
    """

    residuals: Inexact[Array, "*batch G m m"]
    bias: Inexact[Array, "..."]
    norm: Inexact[Array, "*batch"]


@record
class ModeTarget:
    """`weights_squared` (modes,): w_i^2 = power_i / lambda_i; `signal` (G, J): 1 for the operators that are parts of the
    group's clean covariance, 0 for those of other groups' and of added noise; `gain` (G, m, J), 0 for the latter; `label`
    (G, m).  Labels have the power of the group's own operators alone: each group says which they are.  The test population
    has clean covariance sum_j population_j E_j, and predictions are made from `test_gain_j` times its coordinates plus
    noise of covariance sum_j test_noise_j E_j (1 and 0: from the clean ones); each (J,).  `null` (), of rows drawn without
    replacement: unlearnable power, which belongs to each row.
    """

    weights_squared: Any
    signal: Any
    gain: Any
    label: Any
    population: Any
    test_gain: Any
    test_noise: Any
    null: Any = None

    @property
    def by_output(self) -> "ModeTarget":
        """0 for the fields that have one entry an output, None for the others."""
        return ModeTarget(0, *[None] * 6, null=None if self.null is None else 0)

    def repeated(self, times: int) -> "ModeTarget":
        """Each group so many times."""
        signal, gain, label = (jnp.repeat(each, times, axis=0) for each in (self.signal, self.gain, self.label))
        return replace(self, signal=signal, gain=gain, label=label)

    @property
    def test(self) -> Any:
        """Covariance of what predictions are made from, (J,)."""
        return self.population * self.test_gain**2 + self.test_noise

    def mean_fit(self, operators: Any, blocks: Blocks, first: BlockEquilibrium, second: BlockEquilibrium) -> MeanFit:
        """Residuals and bias of w_bar = Q sum_g mass_g sum_kl V_kl gain_k label_l E w."""
        others = jax.tree.map(lambda leaf: leaf[None], self.mean(operators, blocks, second))
        row = self.mean_fit_row(operators, blocks, self.mean(operators, blocks, first), others)
        return jax.tree.map(lambda leaf: leaf[0], row)

    def mean_fit_row(self, operators: Any, blocks: Blocks, first: Any, others: Any) -> MeanFit:
        """`mean_fit` of one `mean` with each of many (N, ...)."""
        weights = self.weights_squared.astype(first[0].dtype)
        basis = operators.basis.astype(first[0].dtype) * weights
        missed, learned = basis * first[0], basis * first[1]
        both, cross = others[0] @ missed.T, others[1] @ missed.T
        swapped, fitted = others[0] @ learned.T, others[1] @ learned.T
        norm = others[1] @ (weights * first[1])
        # as one product with many: block by block and pair by pair it took 3 ms for 512 blocks of 64 classes
        forms = jnp.concatenate([both, cross, swapped, fitted], axis=1)
        table = self._table(blocks)
        residuals = (forms @ table.reshape(-1, table.shape[-1]).T.astype(forms.dtype)).reshape(-1, *table.shape[:-1])
        # of label c y: c missed - (1 - c) learned is lifted in rows left out, what is to be predicted of y is not
        label = self.label[0, 0]
        gains = self.test_gain * label, self.test_gain * (1.0 - label), 1.0 - self.test_gain * label
        seen, unseen, less = (each.astype(both.dtype) for each in gains)
        lifts = first[2], others[2][:, None]
        one, other = (less + seen * lift for lift in lifts)
        left, right = (less - unseen * lift for lift in lifts)
        own = one * other * both + right * one * cross + left * other * swapped + left * right * fitted
        bias = own @ self.population.astype(both.dtype)
        bias = bias + fitted @ self.test_noise.astype(both.dtype)
        if self.null is not None:
            null = jnp.asarray(self.null).astype(both.dtype)
            bias = bias + (one * other) @ self.population.astype(both.dtype) * null
            residuals = residuals + null * (self.label[:, :, None] * self.label[:, None]).astype(both.dtype)
        return MeanFit(residuals, bias, norm)

    def _table(self, blocks: Blocks) -> Array:
        """Residuals (G, m, m, 4 J) by the forms of missed and learned weights: both, cross, swapped, fitted."""
        if jnp.ndim(self.signal) != 2:
            raise ValueError(f"signal must say for each group what operators are its own, (G, J), got {self.signal.shape}")
        label, gain = self.label[..., None] * self.signal[:, None], self.gain
        lack = label - gain

        def outer(one: Array, other: Array) -> Array:
            return one[:, :, None] * other[:, None]

        noise = blocks.covariance - outer(gain, gain)
        tables = (outer(label, label), outer(label, lack), outer(lack, label), outer(lack, lack) + noise)
        return jnp.concatenate([jnp.broadcast_to(each, noise.shape) for each in tables], axis=-1)

    def mean(self, operators: Any, blocks: Blocks, at: BlockEquilibrium) -> tuple[Array, Array, Array]:
        """1 - w_bar/w and w_bar/w, mode by mode, the first without cancellation where views are clean; and the lift () of
        residuals of rows left out.
        """
        label = self.label.astype(at.reduction.dtype)
        mass, gain = blocks.mass.astype(label.dtype), self.gain.astype(label.dtype)
        taught = jnp.einsum("g,gkl,gkj,gl->j", mass, at.reduction, gain, label)
        basis = operators.basis.astype(label.dtype)
        missed, learned = (at.nu + (at.strength - taught) @ basis) * at.resolvent, (taught @ basis) * at.resolvent
        return missed, learned, 1.0 / blocks.held_out(at.reduction)

    def untrained(self, operators: Any) -> tuple[Array, Array, Array]:
        """`mean` of weights 0."""
        size = operators.basis.shape[-1]
        return jnp.ones(size, jnp.complex128), jnp.zeros(size, jnp.complex128), jnp.ones((), jnp.complex128)


@record
class WeightTarget:
    """Labels w.view of each view itself, as of the initial weights w of training: w_i^2 = `weights_squared` (modes,).

    With these labels the error w - w_bar is what ridge leaves of w.  `label` (G, m) zeros: no label noise; `test` (J,):
    covariance of the test population.
    """

    weights_squared: Any
    label: Any
    test: Any

    def mean(self, operators: Any, blocks: Blocks, at: BlockEquilibrium) -> Array:
        """nu Q = 1 - w_bar/w, mode by mode."""
        del operators, blocks
        return at.nu * at.resolvent

    def untrained(self, operators: Any) -> Array:
        """`mean` of weights 0."""
        return jnp.ones(operators.basis.shape[-1], jnp.complex128)

    def mean_fit_row(self, operators: Any, blocks: Blocks, first: Array, others: Inexact[Array, "N modes"]) -> MeanFit:
        """Residuals and errors of one `mean` with each of many; `norm` is that of the error, not of the fit."""
        dtype = first.dtype
        left = self.weights_squared.astype(dtype) * first
        forms = others @ (operators.basis.astype(dtype) * left).T
        residuals = jnp.einsum("gklj,nj->ngkl", blocks.covariance.astype(dtype), forms)
        return MeanFit(residuals, forms @ self.test.astype(dtype), others @ left)


@record
class NoiseTarget:
    """Nothing to learn: `label` (G, m) factors on the noise of labels, `test` (J, tests) covariances that see its fit."""

    label: Any
    test: Any

    def mean(self, operators: Any, blocks: Blocks, at: BlockEquilibrium) -> Array:
        """No weights."""
        del operators, blocks
        return jnp.zeros((), at.nu.dtype)

    def untrained(self, operators: Any) -> Array:
        """No weights."""
        del operators
        return jnp.zeros((), jnp.complex128)

    def mean_fit_row(self, operators: Any, blocks: Blocks, first: Array, others: Inexact[Array, " N"]) -> MeanFit:
        """Zeros."""
        del operators, first
        zeros = jnp.zeros((others.size, *blocks.covariance.shape[:3]), others.dtype)
        return MeanFit(zeros, jnp.zeros((others.size, self.test.shape[1]), others.dtype), others)


@record
class VectorTarget:
    """`cross` (G, m, m, p): r_kl; `second` (G, m, m): E[label_k label_l]; `label` (G, m): factor on label noise; test
    population: covariance sum_j test_j E_j, cross moment `test_cross` (p,), second moment of the label `test_second` ().
    """

    cross: Any
    second: Any
    label: Any
    test: Any
    test_cross: Any
    test_second: Any

    @property
    def by_output(self) -> "VectorTarget":
        """0 for the fields that have one entry an output, None for the others."""
        return VectorTarget(0, 0, None, None, 0, 0)

    def repeated(self, times: int) -> "VectorTarget":
        """Each group so many times; of one output or of several."""
        cross, second = jnp.repeat(self.cross, times, axis=-4), jnp.repeat(self.second, times, axis=-3)
        return replace(self, cross=cross, second=second, label=jnp.repeat(self.label, times, axis=0))

    def mean_fit(self, operators: Any, blocks: Blocks, first: BlockEquilibrium, second: BlockEquilibrium) -> MeanFit:
        """Residuals and bias of w_bar = Q sum_g mass_g sum_kl V_kl r_kl."""
        others = self.mean(operators, blocks, second)[None]
        row = self.mean_fit_row(operators, blocks, self.mean(operators, blocks, first), others)
        return jax.tree.map(lambda leaf: leaf[0], row)

    def mean(self, operators: Any, blocks: Blocks, at: BlockEquilibrium) -> Array:
        """w_bar, (p,)."""
        del operators
        cross = self.cross.astype(at.reduction.dtype)
        return at.resolvent @ jnp.einsum("g,gkl,gklp->p", blocks.mass.astype(cross.dtype), at.reduction, cross)

    def mean_fit_row(self, operators: Any, blocks: Blocks, first: Array, others: Inexact[Array, "N p"]) -> MeanFit:
        """`mean_fit` of one `mean` with each of many."""
        dtype = first.dtype
        forms = others @ (operators.basis.astype(dtype) @ first).T
        cross, count = self.cross.astype(dtype), others.shape[0]
        outer = jnp.moveaxis(cross @ others.T, -1, 0)
        inner = jnp.broadcast_to(cross @ first, (count, *cross.shape[:3]))
        residuals = (
            self.second.astype(dtype) - inner - jnp.swapaxes(outer, 2, 3)
            + jnp.einsum("gklj,nj->ngkl", blocks.covariance.astype(dtype), forms)
        )
        bias = self.test_second.astype(dtype) - (first + others) @ self.test_cross.astype(dtype)
        return MeanFit(residuals, bias + forms @ self.test.astype(dtype), others @ first)

    def untrained(self, operators: Any) -> Array:
        """`mean` of weights 0."""
        return jnp.zeros(operators.basis.shape[-1], jnp.complex128)
