"""Grids of points: the outer product of the axes, computed block by block."""

__all__ = ["BLOCKS", "ONE_BY_ONE", "blockwise", "over_modes"]

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from rfgen.problems.spectra.modes import Modes

# Points are computed in blocks of these sizes, padded: two shapes compiled, whatever the grid.  1,024 points by 160 modes
# stay in the second-level cache (2.5 us a point); 4,096 do not (6.7 us).
BLOCKS = (64, 1024)
# Points of a large problem (many patterns, matrices, paths of a classifier), each a call of one program.
ONE_BY_ONE = (1, 1)


def over_modes(function: Callable[..., Any], keep_outputs: bool) -> Callable[..., Any]:
    """Map `function(modes, ..., noise)` over the outputs when they are kept; the equilibrium is solved once for all."""
    if not keep_outputs:
        return function
    outputs = Modes(None, None, 0, 0, None, None, None)

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
