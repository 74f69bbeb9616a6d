"""Exact second moments of stochastic gradient descent, step by step in numpy: one pass, and many passes given the data."""

__all__ = ["given_data", "one_pass"]

import numpy as np


def one_pass(eigenvalues, start, noise, batch, steps, matrices, gain, point, window=None):
    """Squared errors (steps + 1, modes), eigenvalue times mean square, and mean errors (steps + 1, modes), of `output` 0.

    Gaussian rows; errors (modes, 2) start at `start` (modes,) in both places.  A step of mode i is `matrices[t] u - gain[t]
    g_i`, with g_i the gradient of mean `eigenvalue_i point[t].u`; `gain`, `point` (steps, 2).  From `window` on: of the
    mean of all iterates since.
    """
    lam = np.asarray(eigenvalues, float)
    second = np.ones((lam.size, 2, 2)) * (np.asarray(start, float) ** 2)[:, None, None]
    mean = np.stack([start, start], axis=1).astype(float)
    first_sum, crossed, squared, count = np.zeros(lam.size), np.zeros((lam.size, 2)), np.zeros(lam.size), 0
    errors, means = [], []
    for t in range(steps + 1):
        here, mean_here = second[:, 0, 0], mean[:, 0]
        if window is not None and t >= window:
            squared = squared + 2 * crossed[:, 0] + here  # all pairs of iterates so far
            crossed, count, first_sum = crossed + second[:, :, 0], count + 1, first_sum + mean_here
            here, mean_here = squared / count**2, first_sum / count
        errors.append(lam * here)
        means.append(mean_here)
        if t == steps:
            break
        h, g = point[t], gain[t]
        move = matrices[t] - lam[:, None, None] * np.outer(g, h)
        seen = np.einsum("i,pij,j->p", h, second, h)
        kick = (lam**2 * seen + lam * (lam @ seen + noise)) / batch
        second = move @ second @ move.transpose(0, 2, 1) + kick[:, None, None] * np.outer(g, g)
        crossed = np.einsum("pij,pj->pi", move, crossed)
        mean = np.einsum("pij,pj->pi", move, mean)
    return np.array(errors), np.array(means)


def given_data(rows, labels, rate, batch, ridge, steps):
    """Mean (steps + 1, p) and covariance (steps + 1, p, p) of weights over batches drawn with replacement, from 0."""
    n, p = rows.shape
    second = rows.T @ rows / n
    hessian = second + ridge / n * np.eye(p)
    mean, spread = np.zeros(p), np.zeros((p, p))
    means, spreads = [mean], [spread]
    for _ in range(steps):
        residual = labels - rows @ mean
        slope = rows.T @ residual / n
        square = np.einsum("ip,pq,iq->i", rows, spread, rows) + residual**2
        kick = (rows.T * square) @ rows / n - second @ spread @ second - np.outer(slope, slope)
        move = np.eye(p) - rate * hessian
        mean, spread = mean + rate * (slope - ridge / n * mean), move @ spread @ move.T + rate**2 / batch * kick
        means.append(mean)
        spreads.append(spread)
    return np.array(means), np.array(spreads)
