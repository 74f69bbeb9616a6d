"""Classifiers in closed form from class means: averaging, and Fisher's linear discriminant."""

__all__ = ["averaging", "lda"]

import numpy as np

from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, namespace


def averaging(rows: Array, labels: Array, intercept: bool, weights: Array | None = None) -> tuple[Array, Array]:
    """The mean of y_i x_i over `rows` x (n, dim), `labels` y (n,), of these `weights` (n,), and 0; with `intercept` half
    the difference of the class means, all of one weight, and the intercept that puts the threshold midway.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     x, y = jnp.array([[1.0], [3.0], [-1.0]]), jnp.array([1.0, 1, -1])
    ...     [round(float(averaging(x, y, b)[0][0]), 6) for b in (False, True)]
    [1.666667, 1.5]
    """
    if not intercept:
        pull = labels if weights is None else labels * weights / namespace(rows).mean(weights)
        return pull @ rows / rows.shape[0], namespace(rows).zeros((), rows.dtype)
    upper, lower, *_ = _class_means(rows, labels)
    return 0.5 * (upper - lower), -0.25 * (upper - lower) @ (upper + lower)


def lda(rows: Array, labels: Array, intercept: bool) -> tuple[Array, Array]:
    """Inverse covariance pooled about the class means, n - 2 in its denominator, times the difference of the means.

    With `intercept` also that of Bayes' rule with the shares of the classes: -w.(m+ + m-)/2 + log(n+/n-).  NaN for
    n - 2 < dim, where there is no inverse, or without samples of a class.
    """
    (n, dim), xp = rows.shape, namespace(rows)
    if n - 2 < dim:
        return xp.full(dim, np.nan, rows.dtype), xp.asarray(np.nan, rows.dtype)
    upper, lower, share, centred = _class_means(rows, labels)
    weights = cholesky_solve(cholesky(centred.T @ centred / (n - 2)), upper - lower)
    if not intercept:
        return weights, xp.zeros((), rows.dtype)
    return weights, -0.5 * weights @ (upper + lower) + xp.log(share) - xp.log1p(-share)


def _class_means(rows: Array, labels: Array) -> tuple[Array, Array, Array, Array]:
    """Means of both classes, share of the class +1, and rows about their class means."""
    xp, above = namespace(rows), labels > 0.0
    share = xp.mean(above, dtype=rows.dtype)
    upper, lower = (xp.where(of, 1.0, 0.0) @ rows / xp.sum(of, dtype=rows.dtype) for of in (above, ~above))
    return upper, lower, share, rows - xp.where(above[:, None], upper, lower)
