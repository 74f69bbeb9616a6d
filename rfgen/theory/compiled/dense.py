"""Matrices that do not commute with the others of their space, in the place of arrays over modes."""

__all__ = ["Dense"]

from typing import Any

import numpy as np


class Dense:
    """A matrix (dim, dim) that is multiplied as such: by another, by a diagonal one (dim,), or by a number.

    `.sum()` is its trace, `1.0 / matrix` its inverse: what is written for arrays over modes holds for it, if factors stand
    in their order.

    >>> swap = Dense(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> float((np.array([2.0, 3.0]) * swap * np.array([5.0, 7.0]) * swap).sum()), np.asarray(1.0 / swap).tolist()
    (29.0, [[0.0, 1.0], [1.0, 0.0]])
    """

    __array_ufunc__ = None  # arrays leave operators to this class

    def __init__(self, matrix: Any) -> None:
        """Of an array."""
        self.matrix = np.asarray(matrix, float)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The array."""
        return np.array(self.matrix, dtype)

    @property
    def T(self) -> "Dense":  # noqa: N802  as of arrays
        """The transpose."""
        return Dense(self.matrix.T)

    def sum(self) -> Any:
        """The trace."""
        return np.trace(self.matrix)

    def __mul__(self, other: Any) -> "Dense":
        """The product."""
        return Dense(self.matrix @ other.matrix if isinstance(other, Dense) else self.matrix * np.asarray(other))

    def __rmul__(self, other: Any) -> "Dense":
        """The product."""
        return Dense(np.asarray(other)[..., None] * self.matrix)

    def __add__(self, other: Any) -> "Dense":
        """The sum."""
        return Dense(self.matrix + (other.matrix if isinstance(other, Dense) else np.diag(other)))

    __radd__ = __add__

    def __neg__(self) -> "Dense":
        """Of the other sign."""
        return Dense(-self.matrix)

    def __sub__(self, other: Any) -> "Dense":
        """The difference."""
        return self + (-other)

    def __rsub__(self, other: Any) -> "Dense":
        """The difference."""
        return -self + other

    def __rtruediv__(self, other: float) -> "Dense":
        """A multiple of the inverse."""
        return Dense(other * np.linalg.inv(self.matrix))
