"""Points side by side in the place of one: arrays over points and modes, for complex ridges."""

__all__ = ["Batch", "solved_batch"]

from collections.abc import Sequence
from typing import Any

import numpy as np


class Batch:
    """An array (points, nodes), or (points, 1) of numbers, that behaves as an array over nodes: `.sum()` is one of numbers.

    >>> three = Batch(np.arange(3.0)[:, None])
    >>> (np.ones(4) * three).sum().values[:, 0].tolist()
    [0.0, 4.0, 8.0]
    """

    __array_ufunc__ = None  # arrays leave operators to this class

    def __init__(self, values: Any) -> None:
        """Of an array."""
        self.values = values

    @property
    def T(self) -> "Batch":  # noqa: N802  as of arrays
        """Itself: modes commute."""
        return self

    def sum(self) -> "Batch":
        """Over nodes."""
        return Batch(self.values.sum(axis=-1, keepdims=True))

    def __add__(self, other: Any) -> "Batch":
        """The sum."""
        return Batch(self.values + _values(other))

    __radd__ = __add__

    def __mul__(self, other: Any) -> "Batch":
        """The product."""
        return Batch(self.values * _values(other))

    __rmul__ = __mul__

    def __neg__(self) -> "Batch":
        """Of the other sign."""
        return Batch(-self.values)

    def __sub__(self, other: Any) -> "Batch":
        """The difference."""
        return Batch(self.values - _values(other))

    def __rsub__(self, other: Any) -> "Batch":
        """The difference."""
        return Batch(_values(other) - self.values)

    def __truediv__(self, other: Any) -> "Batch":
        """The quotient."""
        return Batch(self.values / _values(other))

    def __rtruediv__(self, other: Any) -> "Batch":
        """The quotient."""
        return Batch(_values(other) / self.values)


def _values(own: Any) -> Any:
    return own.values if isinstance(own, Batch) else own


def solved_batch(points: int, given: Sequence[Sequence[Any]], slopes: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x = given + slopes x at each point: x, given (points, rows, columns) and slopes (points, rows, unknowns); rows behind
    the unknowns, whose slopes are known, are left to the caller.
    """
    first = np.array([[np.broadcast_to(_flat(own), points) for own in row] for row in given], complex)
    first = first.reshape(len(given), -1, points).transpose(2, 0, 1)
    count = max((column + 1 for _, column in slopes), default=0)
    matrix = np.zeros((points, len(given), count), complex)
    for (row, column), slope in slopes.items():
        matrix[:, row, column] = _flat(slope)
    return np.linalg.solve(np.eye(count) - matrix[:, :count], first[:, :count]), first, matrix


def _flat(own: Any) -> Any:
    return own.values[:, 0] if isinstance(own, Batch) else own
