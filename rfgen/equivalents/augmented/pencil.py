"""Two dense covariances and every combination of them, from a few eigendecompositions.

The moment form of augmentation needs Q = (theta_1 E_1 + theta_2 E_2 + nu)^-1 for many pairs theta: one for each number of
samples, views, ridge.  With rho = theta_2/theta_1, Q is a function of the eigenvalues of E_1 + rho E_2 alone, and every
trace and quadratic form of Q is analytic in log rho within |Im log rho| < pi.  So decompose at NODES Chebyshev points of
each panel of log rho and interpolate: on panels of half-width 0.6 the error falls like 10.6^-NODES (6e-9).  One view
needs one value of rho.  What needs two resolvents follows by differentiation: tr(E_j Q E_l Q) = -d tr(E_j Q)/d theta_l,
tr(E_j Q Q) = -d tr(E_j Q)/d nu.  (Derived.)

The basis has a third operator, the test covariance, which trains nothing: theta_3 = 0.  Equations: theory (5.14).
"""

__all__ = ["HALF_WIDTH", "Pencil", "PencilTarget", "decompose", "panel_points"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.targets import MeanFit
from rfgen.numerics.compilation.record import record

NODES, HALF_WIDTH = 8, 0.6


@record
class Pencil:
    """Decompositions of E_1 + rho E_2; `start` (): log rho where the panels begin, `points` (nodes,): places on a panel, in
    [-1, 1]; `count` () panels of width 2 HALF_WIDTH follow one another (further ones pad).

    `eigenvalues` (panels, nodes, p); `diagonals` (panels, nodes, 2, p): diagonals of E_1 and of the test covariance in the
    eigenbasis; `sizes` (3,): traces of the three.
    """

    start: Any
    count: Any
    points: Any
    eigenvalues: Any
    diagonals: Any
    sizes: Any

    def size(self) -> Array:
        """Traces of E_1, E_2 and the test covariance, (3,)."""
        return self.sizes

    def resolvent(self, theta: Float[Array, "3"], nu: Float[Array, ""]) -> tuple[Array, Array]:
        """What Q depends on."""
        return theta, nu

    def place(self, theta: Array) -> tuple[Array, Array, Array]:
        """Panel, interpolation weights (nodes,), and rho."""
        log_rho = jnp.log(jnp.maximum(theta[1], 1e-300)) - jnp.log(theta[0])
        count = self.eigenvalues.shape[1]
        if count == 1:
            return jnp.zeros((), jnp.int32), jnp.ones(1), theta[1] / theta[0]
        # beyond the panels the ends stand: a solution that lies there asks for more panels
        along = jnp.clip((log_rho - self.start) / (2 * HALF_WIDTH), 0.0, self.count)
        panel = jnp.clip(jnp.floor(jax.lax.stop_gradient(along)), 0, self.count - 1)
        x = 2.0 * (along - panel) - 1.0
        # the Lagrange polynomial of each node as a Chebyshev sum: smooth, also at the nodes
        polynomials = [jnp.ones_like(x), x]
        for _ in range(count - 2):
            polynomials.append(2.0 * x * polynomials[-1] - polynomials[-2])
        angles = jnp.arccos(self.points)
        synthesis = jnp.cos(jnp.arange(count, dtype=angles.dtype)[:, None] * angles) * (2.0 / count)
        weights = jnp.stack(polynomials) @ synthesis.at[0].divide(2.0)
        return panel.astype(jnp.int32), weights, theta[1] / theta[0]

    def one_point(self, resolvent: tuple[Array, Array]) -> Array:
        """Traces with Q of the three, (3,)."""
        theta, nu = resolvent
        panel, weights, rho = self.place(theta)
        eigenvalues, (first, test) = self.eigenvalues[panel], jnp.moveaxis(self.diagonals[panel], 1, 0)
        q = 1.0 / (theta[0] * eigenvalues + nu)
        traces = weights @ jnp.stack([jnp.sum(q * values, axis=1) for values in (first, eigenvalues, test)], axis=1)
        return jnp.stack([traces[0], (traces[1] - traces[0]) / rho, traces[2]])

    def _slopes(self, resolvent: tuple[Array, Array]) -> tuple[Array, Array]:
        return jax.jacfwd(self.one_point)(resolvent)

    def pair(self, first: tuple[Array, Array], second: tuple[Array, Array]) -> Array:
        """tr(E_j Q E_l Q), (3, 3), where the last column, which no training group asks for, is 0."""
        del second  # the same
        return -self._slopes(first)[0].at[:, 2].set(0.0)

    def plain(self, first: tuple[Array, Array], second: tuple[Array, Array]) -> Array:
        """tr(E_j Q Q), (3,)."""
        del second
        return -self._slopes(first)[1]


@record
class PencilTarget:
    """Labels: `cross` (panels, nodes, p), `test_cross` (panels, nodes, p): E[mean view * label] and E[test view * label]
    in the eigenbases; `tests` (panels, nodes, p, p): test covariance there; `second`, `test_second` (): second moments of
    the label; `label` (2, 1): 1 for the mean views, 0 for their fluctuations; `test` (3,): the test covariance among the
    basis.
    """

    cross: Any
    test_cross: Any
    tests: Any
    second: Any
    test_second: Any
    label: Any
    test: Any

    @property
    def by_output(self) -> "PencilTarget":
        """0 for the fields that have one entry an output, None for the others."""
        return PencilTarget(0, 0, None, 0, 0, None, None)

    def mean_fit(self, operators: Pencil, blocks: Blocks, first: BlockEquilibrium, second: BlockEquilibrium) -> MeanFit:
        """w_bar = theta_1 Q r, r the cross moment of the mean views; at equal ridges."""
        del second
        strength = blocks.mass[0] * first.reduction[0, 0, 0]
        panel, weights, _ = operators.place(first.strength)
        eigenvalues = operators.eigenvalues[panel]

        def fitted(theta: Array, nu: Array) -> Array:
            where, share, _ = operators.place(theta)
            values = self.cross[where] ** 2 / (theta[0] * operators.eigenvalues[where] + nu)
            return share @ jnp.sum(values, axis=1)

        along_theta, along_nu = jax.grad(fitted, argnums=(0, 1))(first.strength, first.nu)
        forms = -(strength**2) * along_theta
        w = strength * self.cross[panel] / (first.strength[0] * eigenvalues + first.nu)
        # over all panels, of which one counts: vmapped over points this is a matrix product and gathers nothing
        every = strength * self.cross / (first.strength[0] * operators.eigenvalues + first.nu)
        chosen = jnp.zeros(every.shape[:2], every.dtype).at[panel].set(weights)
        forms = forms.at[2].set(jnp.sum(chosen * jnp.sum(jnp.einsum("rkpq,rkq->rkp", self.tests, every) * every, axis=2)))
        reached = strength * fitted(first.strength, first.nu)
        residuals = blocks.covariance @ forms + jnp.array([1.0, 0.0])[:, None, None] * (self.second - 2.0 * reached)
        bias = self.test_second - 2.0 * (weights @ jnp.sum(self.test_cross[panel] * w, axis=1)) + forms[2]
        return MeanFit(residuals, bias, -(strength**2) * along_nu)


def panel_points() -> np.ndarray:
    """The Chebyshev points of a panel, in [-1, 1]."""
    return np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)


def decompose(first: np.ndarray, second: np.ndarray, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (p,) and eigenbasis (p, p) of `first + rho second`, rounding below 0 taken off."""
    values, basis = np.linalg.eigh(first + rho * second)
    return np.maximum(values, 0.0), basis
