"""Points side by side in the place of one: arrays over points and modes, for complex ridges."""

__all__ = ["Batch", "equations_of", "flat"]

from collections.abc import Mapping, Sequence
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
        self.values = values

    @property
    def T(self) -> "Batch":  # noqa: N802  as of arrays
        """Itself: modes commute."""
        return self

    def sum(self) -> "Batch":
        """Over nodes."""
        return Batch(self.values.sum(axis=-1, keepdims=True))

    def __add__(self, other: Any) -> "Batch":
        return Batch(self.values + _values(other))

    __radd__ = __add__

    def __mul__(self, other: Any) -> "Batch":
        return Batch(self.values * _values(other))

    __rmul__ = __mul__

    def __neg__(self) -> "Batch":
        return Batch(-self.values)

    def __sub__(self, other: Any) -> "Batch":
        return Batch(self.values - _values(other))

    def __rsub__(self, other: Any) -> "Batch":
        return Batch(_values(other) - self.values)

    def __truediv__(self, other: Any) -> "Batch":
        return Batch(self.values / _values(other))

    def __rtruediv__(self, other: Any) -> "Batch":
        return Batch(_values(other) / self.values)


def _values(own: Any) -> Any:
    return own.values if isinstance(own, Batch) else own


def equations_of(
    points: int, given: Sequence[Sequence[Any]], slopes: Mapping[tuple[int, int], Any], count: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """x = given + slopes x at each point, as arrays (points, rows, columns) and (points, rows, unknowns)."""
    columns = [np.broadcast_to(flat(own), points) for row in given for own in row]
    dtype = np.result_type(float, *columns, *map(flat, slopes.values()))
    first = np.array(columns, dtype).reshape(len(given), -1, points).transpose(2, 0, 1)
    matrix = np.zeros((points, len(given), len(given) if count is None else count), dtype)
    for (row, column), slope in slopes.items():
        matrix[:, row, column] = flat(slope)
    return first, matrix


def flat(own: Any) -> Any:
    """Numbers (points,), or one for all."""
    return own.values[:, 0] if isinstance(own, Batch) else own
