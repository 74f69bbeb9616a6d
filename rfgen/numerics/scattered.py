"""A smooth function of few variables between scattered points: where Newton's steps begin in a table of equations."""

__all__ = ["farthest_first", "interpolated"]

import numpy as np

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
