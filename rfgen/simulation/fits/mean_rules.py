"""Classifiers in closed form from class means: averaging, and Fisher's linear discriminant."""

__all__ = ["averaging", "lda"]

import jax
import jax.numpy as jnp
from jaxtyping import Array


def averaging(rows: Array, labels: Array, intercept: bool) -> tuple[Array, Array]:
    """The mean of y_i x_i over `rows` x (n, dim), `labels` y (n,), and 0; with `intercept` half the difference of the class
    means, and the intercept that puts the threshold midway.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     x, y = jnp.array([[1.0], [3.0], [-1.0]]), jnp.array([1.0, 1, -1])
    ...     [round(float(averaging(x, y, b)[0][0]), 6) for b in (False, True)]
    [1.666667, 1.5]
    """
    if not intercept:
        return labels @ rows / rows.shape[0], jnp.zeros((), rows.dtype)
    upper, lower, *_ = _class_means(rows, labels)
    return 0.5 * (upper - lower), -0.25 * (upper - lower) @ (upper + lower)


def lda(rows: Array, labels: Array, intercept: bool) -> tuple[Array, Array]:
    """Inverse covariance pooled about the class means, n - 2 in its denominator, times the difference of the means.

    With `intercept` also that of Bayes' rule with the shares of the classes: -w.(m+ + m-)/2 + log(n+/n-).  NaN for
    n - 2 < dim, where there is no inverse, or without samples of a class.
    """
    n, dim = rows.shape
    if n - 2 < dim:
        return jnp.full(dim, jnp.nan, rows.dtype), jnp.asarray(jnp.nan, rows.dtype)
    upper, lower, share, centred = _class_means(rows, labels)
    factor = jax.scipy.linalg.cho_factor(centred.T @ centred / (n - 2), lower=True)
    weights = jax.scipy.linalg.cho_solve(factor, upper - lower)
    if not intercept:
        return weights, jnp.zeros((), rows.dtype)
    return weights, -0.5 * weights @ (upper + lower) + jnp.log(share) - jnp.log1p(-share)


def _class_means(rows: Array, labels: Array) -> tuple[Array, Array, Array, Array]:
    """Means of both classes, share of the class +1, and rows about their class means."""
    above = labels > 0.0
    share = jnp.mean(above, dtype=rows.dtype)
    upper, lower = (jnp.where(of, 1.0, 0.0) @ rows / jnp.sum(of, dtype=rows.dtype) for of in (above, ~above))
    return upper, lower, share, rows - jnp.where(above[:, None], upper, lower)
