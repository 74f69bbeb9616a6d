"""What groups of rows with teachers of their own learn together, and where it leaves each of them.

Group g has labels w_g . x on its own covariance.  With c_g the group's strength the mean weights are
w_bar = Q sum_g c_g Sigma_g w_g, and their distance from any theta, without a difference of what is nearly equal,

    w_bar - theta = Q [sum_g c_g Sigma_g (w_g - theta) - nu theta].

Teachers are vectors for each of several outputs, whose errors are summed: one output more is a part of a teacher that is
independent of all others.  Equations: theory (15.2) and (15.3).
"""

__all__ = ["DomainTarget"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.targets import MeanFit
from rfgen.numerics.compilation.record import record


@record
class DomainTarget:
    """Groups of one view each: `teachers` (G, outputs, p); `label` (G, 1): factor on label noise; test populations have
    covariances sum_j test_j E_j, `test` (J, tests), and the teachers `test_teachers` (tests, outputs, p).  `misfit` (G,):
    power of the labels that no weights fit.

    Diagonal teachers are in units of a whole node: times the root of its multiplicity.
    """

    teachers: Any
    label: Any
    test: Any
    test_teachers: Any
    misfit: Any = 0.0

    def mean(self, operators: Any, blocks: Blocks, at: Any) -> tuple[Array, Array]:
        """w_bar (outputs, p), and its distances (G + tests, outputs, p) from all teachers, those of the tests last."""
        dtype = at.reduction.dtype
        every, teachers = self._every(dtype), self.teachers.astype(dtype)
        strength = blocks.mass.astype(dtype) * at.reduction[:, 0, 0]
        own = strength[:, None] * blocks.covariance[:, 0, 0].astype(dtype)
        fitted = _seen(operators, own, teachers, at.resolvent)
        missed = [
            _seen(operators, own, teachers - theta, at.resolvent) - at.nu * _times(at.resolvent, theta) for theta in every
        ]
        return fitted, jnp.stack(missed)

    def untrained(self, operators: Any) -> tuple[Array, Array]:
        """`mean` of weights 0."""
        del operators
        every = self._every(jnp.complex128)
        return jnp.zeros_like(every[0]), -every

    def mean_fit_row(
        self, operators: Any, blocks: Blocks, first: tuple[Array, Array], others: tuple[Array, Array]
    ) -> MeanFit:
        """Residuals and bias of one `mean` with each of many (N, ...)."""
        dtype = first[0].dtype
        forms = operators.forms(first[1], others[1])  # (N, G + tests, J)
        own = jnp.concatenate([blocks.covariance[:, 0, 0], self.test.T]).astype(dtype)
        seen, groups = jnp.sum(forms * own, axis=-1), self.teachers.shape[0]
        residuals = (seen[:, :groups] + jnp.asarray(self.misfit).astype(dtype))[..., None, None]
        return MeanFit(residuals, seen[:, groups:], jnp.einsum("op,nop->n", first[0], others[0]))

    def mean_fit(self, operators: Any, blocks: Blocks, first: Any, second: Any) -> MeanFit:
        """The same of two equilibria."""
        others = jax.tree.map(lambda leaf: leaf[None], self.mean(operators, blocks, second))
        row = self.mean_fit_row(operators, blocks, self.mean(operators, blocks, first), others)
        return jax.tree.map(lambda leaf: leaf[0], row)

    def _every(self, dtype: Any) -> Array:
        return jnp.concatenate([self.teachers, self.test_teachers]).astype(dtype)


def _times(matrix: Array, vectors: Inexact[Array, "outputs p"]) -> Array:
    """A symmetric matrix, or a diagonal, times each of `vectors`."""
    return vectors * matrix if matrix.ndim == 1 else vectors @ matrix


def _seen(operators: Any, own: Inexact[Array, "G J"], vectors: Inexact[Array, "G outputs p"], resolvent: Array) -> Array:
    """Q sum_g c_g Sigma_g v_g, (outputs, p)."""
    basis = operators.basis.astype(own.dtype)
    if basis.ndim == 2:
        return jnp.einsum("gj,jp,gop->op", own, basis, vectors) * resolvent
    return jnp.einsum("jop,jpq->oq", jnp.einsum("gj,gop->jop", own, vectors), basis) @ resolvent
