"""Grids of points: the outer product of the axes, computed block by block."""

__all__ = ["BLOCKS", "ONE_BY_ONE", "Grid", "blockwise", "over_modes"]

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

from rfgen.numerics.memory import planned
from rfgen.problems.spectra.modes import Modes

# Points are computed in blocks of these sizes, padded: two shapes compiled, whatever the grid.  1,024 points by 160 modes
# stay in the second-level cache (2.5 us a point); 4,096 do not (6.7 us).
BLOCKS = (64, 1024)
# Points of a large problem (many patterns, matrices, paths of a classifier), each a call of one program.
ONE_BY_ONE = (1, 1)
# What a curve holds of each point: some forty numbers, twice.
POINT_BYTES = 640


@dataclass(frozen=True, eq=False)
class Grid:
    """The outer product of `axes`, numbers () and arrays (size,) by name: each point has a value of every one.

    >>> grid = Grid({"n": np.array([1.0, 2.0]), "ridge": np.array(0.5)})
    >>> grid.shape, grid.columns["ridge"], grid.points[1]
    ((2,), array([0.5, 0.5]), {'n': 2.0, 'ridge': 0.5})
    """

    axes: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        """MemoryError for more points than can be held."""
        points = math.prod(self.shape)
        long = " x ".join(f"{self.axes[name].size} of {name}" for name in self.dims)
        planned(points * POINT_BYTES, f"a curve of {points} points ({long})", "ask for fewer values at a time")

    @property
    def dims(self) -> list[str]:
        """Names of the axes that are arrays."""
        return [name for name, axis in self.axes.items() if axis.ndim]

    @property
    def shape(self) -> tuple[int, ...]:
        """Their lengths."""
        return tuple(self.axes[name].size for name in self.dims)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """The value of each axis at every point (points,)."""
        mesh = dict(zip(self.dims, np.meshgrid(*(self.axes[name] for name in self.dims), indexing="ij"), strict=True))
        count = math.prod(self.shape)
        return {name: np.ravel(mesh[name]) if axis.ndim else np.full(count, axis) for name, axis in self.axes.items()}

    @property
    def points(self) -> list[dict[str, float]]:
        """The values at each point by name."""
        return [dict(zip(self.columns, map(float, at), strict=True)) for at in zip(*self.columns.values(), strict=True)]

    def pack(self, values: Any, *inner: int) -> np.ndarray:
        """Values of all points, in their order, by dimension, then by `inner` ones."""
        return np.reshape(np.asarray(values), (*self.shape, *inner))


def over_modes(function: Callable[..., Any], keep_outputs: bool) -> Callable[..., Any]:
    """Map `function(modes, ..., noise)` over the outputs when they are kept; the equilibrium is solved once for all."""
    if not keep_outputs:
        return function
    outputs = Modes(None, None, 0, 0, None, None, None, None)

    def mapped(modes: Modes, *arguments: Any) -> Any:
        *shared, noise = arguments
        return jax.vmap(lambda m, s: function(m, *shared, s), in_axes=(outputs, 0))(modes, noise)

    return mapped


def blockwise(
    function: Callable[..., Any], columns: list[np.ndarray], blocks: tuple[int, int] = BLOCKS
) -> dict[str, np.ndarray]:
    """`function(*columns)`, a record of arrays with leading dimension points, in padded blocks."""
    count = len(columns[0])
    size = blocks[0] if count <= blocks[0] else blocks[1]
    pieces = []
    for start in range(0, count, size):
        block = [column[start : start + size] for column in columns]
        length = len(block[0])
        padded = [np.concatenate([column, np.repeat(column[:1], size - length, axis=0)]) for column in block]
        pieces.append((length, function(*padded)))
    names = vars(pieces[0][1]).keys()
    return {
        name: np.concatenate([np.asarray(getattr(record, name))[:length] for length, record in pieces]) for name in names
    }
