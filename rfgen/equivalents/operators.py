"""Two representations of the covariances of the engine, with one interface.

All covariances are sums over J positive semidefinite basis operators E_j.  Where they are functions of one spectrum they
are diagonal: vectors over the (compressed) modes, with multiplicities; else they are p x p matrices.  The engine needs
four traces of the resolvent Q = (sum_j theta_j E_j + nu)^-1:

    one_point   t_j  = tr(E_j Q)
    pair        S_jl = tr(E_j Q_1 E_l Q_2)
    plain       F_j  = tr(E_j Q_1 Q_2)
    size        tr(E_j)

For many pairs of resolvents: `sided` gives E_j Q, and `pair_row`, `plain_row` S and F of one of them with each of many.
"""

__all__ = ["DenseOperators", "DiagonalOperators"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from rfgen.numerics.compilation.record import record


@record
class DiagonalOperators:
    """Operators that commute: `basis` (J, modes), each mode counted `multiplicity` (modes,) times."""

    basis: Any
    multiplicity: Any

    def resolvent(self, theta: Inexact[Array, " J"], nu: Inexact[Array, ""]) -> Array:
        """Q, as (modes,)."""
        return 1.0 / (theta @ self.basis.astype(theta.dtype) + nu)

    def size(self) -> Array:
        """Traces of the basis, (J,)."""
        return self.basis @ self.multiplicity

    def one_point(self, resolvent: Array) -> Array:
        """t, (J,)."""
        return self.basis.astype(resolvent.dtype) @ (self.multiplicity.astype(resolvent.dtype) * resolvent)

    def pair(self, first: Array, second: Array) -> Array:
        """S, (J, J)."""
        basis = self.basis.astype(first.dtype)
        return (basis * (self.multiplicity.astype(first.dtype) * first * second)) @ basis.T

    def plain(self, first: Array, second: Array) -> Array:
        """F, (J,)."""
        return self.basis.astype(first.dtype) @ (self.multiplicity.astype(first.dtype) * first * second)

    def sided(self, resolvent: Array) -> Array:
        """E_j Q, (J, modes)."""
        return self.basis.astype(resolvent.dtype) * resolvent

    def pair_row(self, sided: Array, others: Inexact[Array, "N J modes"]) -> Inexact[Array, "N J J"]:
        """S of one resolvent with N others, as a matrix product."""
        n, size, modes = others.shape
        weighted = sided * self.multiplicity.astype(sided.dtype)
        return jnp.swapaxes((weighted @ others.reshape(n * size, modes).T).reshape(size, n, size), 0, 1)

    def plain_row(self, sided: Array, resolvents: Inexact[Array, "N modes"]) -> Inexact[Array, "N J"]:
        """F of one resolvent with N others."""
        return resolvents @ (sided * self.multiplicity.astype(sided.dtype)).T

    def forms(
        self, first: Inexact[Array, "G outputs modes"], others: Inexact[Array, "N G outputs modes"]
    ) -> Inexact[Array, "N G J"]:
        """v E_j v' of vectors of whole nodes, summed over outputs."""
        return jnp.sum(first * others, axis=2) @ self.basis.astype(first.dtype).T


@record
class DenseOperators:
    """Matrices: `basis` (J, p, p), symmetric and positive semidefinite."""

    basis: Any

    def resolvent(self, theta: Inexact[Array, " J"], nu: Inexact[Array, ""]) -> Array:
        """Q, as (p, p)."""
        identity = jnp.eye(self.basis.shape[-1], dtype=theta.dtype)
        matrix = jnp.einsum("j,jab->ab", theta, self.basis.astype(theta.dtype)) + nu * identity
        if jnp.iscomplexobj(matrix):
            return jnp.linalg.inv(matrix)
        return jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(matrix), True), identity)

    def size(self) -> Array:
        """Traces of the basis, (J,)."""
        return jnp.trace(self.basis, axis1=1, axis2=2)

    def one_point(self, resolvent: Array) -> Array:
        """t, (J,)."""
        return jnp.einsum("jab,ba->j", self.basis.astype(resolvent.dtype), resolvent)

    def pair(self, first: Array, second: Array) -> Array:
        """S, (J, J)."""
        return jnp.einsum("jab,lba->jl", self.sided(first), self.sided(second))

    def plain(self, first: Array, second: Array) -> Array:
        """F, (J,)."""
        return jnp.einsum("jab,ba->j", self.basis.astype(first.dtype), first @ second)

    def sided(self, resolvent: Array) -> Array:
        """E_j Q, (J, p, p)."""
        if jnp.iscomplexobj(resolvent):  # two real products are half of a complex one
            return jax.lax.complex(self.basis @ resolvent.real, self.basis @ resolvent.imag)
        return self.basis @ resolvent

    def pair_row(self, sided: Array, others: Inexact[Array, "N J p p"]) -> Inexact[Array, "N J J"]:
        """S of one resolvent with N others, as a matrix product."""
        n, size = others.shape[:2]
        flat = jnp.swapaxes(sided, 1, 2).reshape(size, -1)
        return jnp.swapaxes((flat @ others.reshape(n * size, -1).T).reshape(size, n, size), 0, 1)

    def plain_row(self, sided: Array, resolvents: Inexact[Array, "N p p"]) -> Inexact[Array, "N J"]:
        """F of one resolvent with N others."""
        flat = jnp.swapaxes(sided, 1, 2).reshape(sided.shape[0], -1)
        return resolvents.reshape(resolvents.shape[0], -1) @ flat.T

    def forms(
        self, first: Inexact[Array, "G outputs p"], others: Inexact[Array, "N G outputs p"]
    ) -> Inexact[Array, "N G J"]:
        """v E_j v' of vectors, summed over outputs."""
        sided = jnp.einsum("gop,jpq->gjoq", first, self.basis.astype(first.dtype))
        return jnp.einsum("gjoq,ngoq->ngj", sided, others)
