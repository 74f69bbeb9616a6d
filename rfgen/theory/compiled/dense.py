"""Matrices that do not commute with the others of their space, in the place of arrays over modes."""

__all__ = ["Dense"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@jax.tree_util.register_pytree_node_class
class Dense:
    """A matrix (dim, dim) of NumPy or JAX that is multiplied as such: by another, a diagonal one (dim,), or a number.

    `.sum()` is its trace, `1.0 / matrix` its inverse: what is written for arrays over modes holds for it, if factors stand
    in their order.  A product is made when it is needed, and never for its trace.

    >>> swap = Dense(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> float((np.array([2.0, 3.0]) * swap * np.array([5.0, 7.0]) * swap).sum()), np.asarray(1.0 / swap).tolist()
    (29.0, [[0.0, 1.0], [1.0, 0.0]])
    """

    __array_ufunc__ = None  # arrays leave operators to this class

    def __init__(self, left: Any, right: Any = None) -> None:
        """Of an array, or of two whose product it is."""
        self.left, self.right = left, right

    def tree_flatten(self) -> tuple[tuple[Any], None]:
        """Its array."""
        return (self.matrix,), None

    @classmethod
    def tree_unflatten(cls, _: None, leaves: tuple[Any]) -> "Dense":
        """From its array."""
        return cls(*leaves)

    @property
    def matrix(self) -> Any:
        """The array."""
        if self.right is not None:
            self.left, self.right = self.left @ self.right, None
        return self.left

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.matrix, dtype)

    @property
    def T(self) -> "Dense":  # noqa: N802  as of arrays
        """The transpose."""
        return Dense(self.left.T) if self.right is None else Dense(self.right.T, self.left.T)

    def sum(self) -> Any:
        """The trace."""
        return self.left.trace() if self.right is None else (self.left * self.right.T).sum()

    def __mul__(self, other: Any) -> "Dense":
        if isinstance(other, Dense):
            return Dense(self.matrix, other.matrix)
        return Dense(self.left * other) if self.right is None else Dense(self.left, self.right * other)

    def __rmul__(self, other: Any) -> "Dense":
        return Dense(_of(other).asarray(other)[..., None] * self.left, self.right)

    def __add__(self, other: Any) -> "Dense":
        return Dense(self.matrix + (other.matrix if isinstance(other, Dense) else _of(other).diag(other)))

    __radd__ = __add__

    def __neg__(self) -> "Dense":
        return Dense(-self.left, self.right)

    def __sub__(self, other: Any) -> "Dense":
        return self + (-other)

    def __rsub__(self, other: Any) -> "Dense":
        return -self + other

    def __rtruediv__(self, other: float) -> "Dense":
        """A multiple of the inverse."""
        return Dense(other * _of(self.left).linalg.inv(self.matrix))


def _of(array: Any) -> Any:
    return jnp if isinstance(array, jax.Array) else np
