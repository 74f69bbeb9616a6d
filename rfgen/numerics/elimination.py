"""Entries of the inverse of a small sparse matrix whose entries are arrays over modes: elimination unrolled.

Written for arrays of NumPy and of JAX alike, and for matrices that do not commute: factors stand in their order.  Pivots
are diagonal ones, as the matrices are positive sums there: no digits are lost where entries differ by many orders of
magnitude, which a general solver with its row exchanges would lose.  Rows of inverses, whose own entry is a ridge and may
vanish, come last: then it stands beside what the others add to it.
"""

__all__ = ["inverse_entries"]

import functools
from collections.abc import Iterable, Mapping
from typing import Any

Place = tuple[int, int]


def inverse_entries(
    matrix: Mapping[Place, Any], needed: Iterable[Place], last: frozenset[int] = frozenset()
) -> dict[Place, Any]:
    """Those of the `needed` entries of the inverse that are not zero for their pattern; `last`: rows eliminated last.

    >>> found = inverse_entries({(0, 0): 2.0, (1, 1): 4.0, (1, 0): 1.0}, [(1, 0), (0, 1), (0, 0)])
    >>> found
    {(1, 0): -0.125, (0, 0): 0.5}
    """
    order = _order(frozenset(matrix), last)
    rest, lower, pivots = dict(matrix), {}, {}
    for step, now in enumerate(order):
        pivots[now] = 1.0 / rest[now, now]
        later = order[step + 1 :]
        columns = [column for column in later if (now, column) in rest]
        for row in later:
            if (row, now) in rest:
                factor = lower[row, now] = rest[row, now] * pivots[now]
                for column in columns:
                    change = factor * rest[now, column]
                    rest[row, column] = rest[row, column] - change if (row, column) in rest else -change
    by_column: dict[int, list[int]] = {}
    for row, column in needed:
        by_column.setdefault(column, []).append(row)
    return {
        (row, column): solved[row]
        for column, rows in by_column.items()
        for solved in (_column(column, order, rest, lower, pivots),) for row in rows if row in solved
    }


def _column(
    column: int, order: tuple[int, ...], upper: Mapping[Place, Any], lower: Mapping[Place, Any], pivots: Mapping[int, Any]
) -> dict[int, Any]:
    forward = {column: 1.0}
    for step in range(order.index(column), len(order)):
        now = order[step]
        if now in forward:
            for row in order[step + 1 :]:
                if (row, now) in lower:
                    change = lower[row, now] * forward[now]
                    forward[row] = forward[row] - change if row in forward else -change
    solved: dict[int, Any] = {}
    for step in range(len(order) - 1, -1, -1):
        now, total = order[step], forward.get(order[step])
        for other in order[step + 1 :]:
            if (now, other) in upper and other in solved:
                change = upper[now, other] * solved[other]
                total = -change if total is None else total - change
        if total is not None:
            solved[now] = pivots[now] * total
    return solved


@functools.lru_cache(maxsize=4096)
def _order(pattern: frozenset[Place], last: frozenset[int]) -> tuple[int, ...]:
    """Diagonal pivots in an order that fills little."""
    left, present, order = sorted({row for row, _ in pattern}), set(pattern), []

    def fill(now: int) -> tuple[bool, int, int]:
        rows = sum((row, now) in present for row in left) - 1
        return now in last, rows * (sum((now, column) in present for column in left) - 1), now

    while left:
        best = min((now for now in left if (now, now) in present), key=fill)
        left.remove(best)
        order.append(best)
        present.update(
            [(row, column) for row in left if (row, best) in present for column in left if (best, column) in present]
        )
    return tuple(order)
