"""Smooth functions known at few points: of whole steps, smooth in their logarithm; of few variables, at scattered points.

Steps: all up to 128, then Chebyshev points of every octave, rounded to whole steps; barycentric interpolation between them.
The points in between tell the error, and where it is large all steps must be computed.
Scattered points: where Newton's steps begin in a table of equations.
"""

__all__ = ["farthest_first", "interpolated", "sparse_times", "through_sparse"]

import numpy as np

DENSE, POINTS = 128, 20
# Values below this share of the largest need not be right.
FLOOR = 1e-9


def sparse_times(last: int) -> np.ndarray:
    """Ascending whole steps (few,) from 0 to `last`."""
    pieces = (_points(start, min(2 * start, last)) for start in _octaves(last))
    return np.unique(np.concatenate([np.arange(min(last, DENSE) + 1), *pieces]))


def through_sparse(values: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, float]:
    """Values (..., last + 1) at all steps from those (..., few) at `sparse_times` or at all, and their relative error.

    The error is the square of that of interpolation through every second point at the points left out: it falls
    geometrically with the number of points.

    >>> times = sparse_times(20_000)
    >>> every, error = through_sparse(1.0 / (1.0 + times), times)
    >>> bool(abs(every[12_345] * 12_346 - 1) < 1e-12), error < 1e-9
    (True, True)
    """
    last = int(times[-1])
    found = np.empty((*values.shape[:-1], last + 1))
    found[..., : min(last, DENSE) + 1] = values[..., : min(last, DENSE) + 1]
    error, whole = 0.0, np.max(np.abs(values), axis=-1, keepdims=True)
    for start in _octaves(last):
        stop = min(2 * start, last)
        here = np.flatnonzero((times >= start) & (times <= stop))
        every = np.arange(start, stop + 1)
        if here.size == every.size:  # all are known
            found[..., every] = values[..., here]
            continue
        found[..., every] = _barycentric(times[here], values[..., here], every)
        if here.size > 6:
            rough = _barycentric(times[here[::2]], values[..., here[::2]], times[here[1::2]])
            scale = np.maximum(np.max(np.abs(values[..., here]), axis=-1, keepdims=True), FLOOR * whole)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                change = np.abs(rough - values[..., here[1::2]]) / scale
            error = max(error, float(np.max(np.nan_to_num(change), initial=0.0)) ** 2)
    return found, error


def _octaves(last: int) -> list[int]:
    starts, start = [], DENSE
    while start < last:
        starts.append(start)
        start *= 2
    return starts


def _points(start: int, stop: int) -> np.ndarray:
    middle, half = 0.5 * (np.log(start) + np.log(stop)), 0.5 * (np.log(stop) - np.log(start))
    return np.unique(np.round(np.exp(middle - half * np.cos(np.pi * np.arange(POINTS) / (POINTS - 1)))).astype(np.int64))


def _barycentric(nodes: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The polynomial in log through `values` (..., nodes), at `at`."""
    x, y = np.log(nodes), np.log(at)
    scale = 4.0 / (x[-1] - x[0])  # capacity: weights neither overflow nor vanish
    differences = scale * (x[:, None] - x) + np.eye(x.size)
    weights = 1.0 / np.prod(differences, axis=1)
    apart = y[:, None] - x
    exact = apart == 0
    shares = weights / np.where(exact, 1.0, apart)
    shares = np.where(exact.any(axis=1)[:, None], exact.astype(float), shares)
    return (values @ shares.T) / shares.sum(axis=1)


# Neighbours that an interpolant is of, its length in units of the farthest of them, and what keeps its matrix regular.
NEIGHBOURS, LENGTH, JITTER = 40, 1.0, 1e-12


def farthest_first(points: np.ndarray) -> np.ndarray:
    """An order of `points` (points, variables) in which each is far from all before it: from the last one, outside in.

    >>> farthest_first(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])).tolist()
    [4, 0, 2, 1, 3]
    """
    order = [len(points) - 1]
    distance = np.full(len(points), np.inf)
    while len(order) < len(points):
        distance = np.minimum(distance, np.sum((points - points[order[-1]]) ** 2, axis=1))
        distance[order[-1]] = -1.0
        order.append(int(np.argmax(distance)))
    return np.array(order)


def interpolated(points: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The function `values` (points, ...) of `points` (points, variables) at one more (variables,), by Gaussian kernels.

    Exact at the points, of high order between them, the nearest value far from all.

    >>> points = np.linspace(0.0, 2.0, 9)[:, None]
    >>> bool(abs(interpolated(points, np.sin(points), np.array([0.9])) - np.sin(0.9))[0] < 1e-5)
    True
    """
    distances = np.sum((points - at) ** 2, axis=1)
    near = np.argsort(distances, kind="stable")[:NEIGHBOURS]
    unit = LENGTH * np.sqrt(distances[near[-1]])
    if unit == 0.0:
        return values[near[0]]
    part = points[near] / unit
    kernel = np.exp(-0.5 * np.sum((part[:, None] - part) ** 2, axis=2)) + JITTER * np.eye(len(near))
    weights = np.linalg.solve(kernel, np.exp(-0.5 * distances[near] / unit**2))
    return values[near[0]] + np.tensordot(weights, values[near] - values[near[0]], 1)
