"""What labelled Gaussian groups teach under the square loss, and at which residuals the mean weights leave them.

Group g has rows of mean mu_g and covariance S_g, and one label y_g.  With c_g the group's strength

    w_bar = Q sum_g c_g (y_g - m_g) mu_g,     m_g = mu_g . w_bar,

linear in as many unknowns as groups; a row left out has the residual y_g - m_g in the mean, and scatters by w_bar' S_g
w_bar.  Equations: theory (13.7) and (13.8).
"""

__all__ = ["ClassTarget"]

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.targets import MeanFit
from rfgen.numerics.compilation.record import record
from rfgen.numerics.small_systems import solve


@record
class ClassTarget:
    """Groups of one view each: `labels` (G,) and `means` (G, outputs, modes), in units of a whole node, of which only inner
    products count, with `signs` (outputs, modes): nodes of a compressed spectrum may count as less than nothing.  Test
    populations have covariances sum_j test_j E_j, `test` (J, tests).  `label` (G, 1) zeros: labels have no noise but what
    makes groups of their own.
    """

    labels: Any
    means: Any
    signs: Any
    label: Any
    test: Any

    def mean(self, operators: Any, blocks: Blocks, at: Any) -> tuple[Array, Array]:
        """w_bar (outputs, modes), and the residuals y_g - m_g (G,) of rows left out."""
        dtype = at.reduction.dtype
        means, labels = self.means.astype(dtype), self.labels.astype(dtype)
        strength = blocks.mass.astype(dtype) * at.reduction[:, 0, 0]
        overlaps = self.along(means * at.resolvent)
        left = solve(jnp.eye(labels.size, dtype=dtype) + overlaps * strength, labels)
        return jnp.einsum("g,gom,m->om", strength * left, means, at.resolvent), left

    def along(self, weights: Inexact[Array, "... outputs modes"]) -> Array:
        """Inner products of the means with `weights`, (G, ...)."""
        return jnp.einsum("gom,...om->g...", (self.signs * self.means).astype(weights.dtype), weights)

    def untrained(self, operators: Any) -> tuple[Array, Array]:
        """`mean` of weights 0."""
        del operators
        return jnp.zeros(self.means.shape[1:], jnp.complex128), self.labels.astype(jnp.complex128)

    def mean_fit_row(
        self, operators: Any, blocks: Blocks, first: tuple[Array, Array], others: tuple[Array, Array]
    ) -> MeanFit:
        """Second moments of the residuals, and w_bar' A w_bar of the tests, of one `mean` with each of many (N, ...)."""
        dtype = first[0].dtype
        signed = first[0] * self.signs.astype(dtype)
        forms: Inexact[Array, "N J"] = operators.forms(signed[None], others[0][:, None])[:, 0]
        residuals = first[1] * others[1] + forms @ blocks.covariance[:, 0, 0].T.astype(dtype)
        norm = jnp.einsum("om,nom->n", signed, others[0])
        return MeanFit(residuals[..., None, None], forms @ self.test.astype(dtype), norm)
