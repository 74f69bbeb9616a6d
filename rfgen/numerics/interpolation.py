"""Functions of whole steps that are smooth in the logarithm of the step: known at few, wanted at all.

All steps up to 128, then Chebyshev points of every octave, rounded to whole steps; barycentric interpolation between them.
The points in between tell the error, and where it is large all steps must be computed.
"""

__all__ = ["sparse_times", "through_sparse"]

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
