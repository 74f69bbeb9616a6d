"""What interior point methods share: steps that keep numbers positive, until rounding has the last word."""

__all__ = ["interior_point", "reachable"]

from collections.abc import Callable
from typing import Any

import numpy as np

from rfgen.simulation.arrays import Array, namespace, while_loop

MOST_STEPS = 80


def reachable(values: tuple[Array, ...], moves: tuple[Array, ...]) -> Array:
    """How far all `values` > 0 (n,) may go along their `moves` until one of them is 0.

    >>> float(reachable((np.array([1.0, 2.0]), np.array([6.0, 6.0])), (np.array([1.0, -1.0]), np.array([-2.0, 0.0]))))
    2.0
    """
    xp = namespace(values[0])
    # the reciprocal of the fastest fall is rounded twice: a hinge at ridge 0 then misses its end
    ends = [
        xp.min(xp.where(move < 0.0, -value / xp.where(move < 0.0, move, -1.0), np.inf))
        for value, move in zip(values, moves, strict=True)
    ]
    return xp.min(xp.stack(ends))


def interior_point(
    step: Callable[[Any], Any], measured: Callable[[Any], tuple[Array, Array]], start: tuple[Array, ...], aim: float,
    enough: float, patience: int,
) -> tuple[tuple[Array, ...], Array]:
    """Of the states that `step` leads to from `start`, that of least residual, and this residual.

    `measured(state)`: the residual, and the gap that must be below `enough` before `patience`, the steps that do not halve
    the residual, may end: then rounding has the last word.  Also ends at the residual `aim`, and where it is NaN.
    """
    xp = namespace(start[0])

    def advance(carry: Any) -> Any:
        number, stale, state, best, least, gap = carry
        state = step(state)
        residual, now = measured(state)
        better = residual < least  # NaN is not
        chosen = tuple(xp.where(better, new, old) for new, old in zip(state, best, strict=True))
        gap = xp.where(better, now, gap)
        stale = xp.where((residual < 0.5 * least) | (gap > enough), 0, stale + 1)
        stale = xp.where(xp.isfinite(residual), stale, patience)
        return number + 1, stale, state, chosen, xp.where(better, residual, least), gap

    def unfinished(carry: Any) -> Array:
        number, stale, _, _, least, _ = carry
        return (number < MOST_STEPS) & (stale < patience) & (least > aim)

    count, worst = xp.asarray(0), xp.asarray(np.inf, start[0].dtype)
    *_, best, least, _ = while_loop(unfinished, advance, (count, count, start, start, worst, worst))
    return best, least
