"""Ridge fits of one training set for all ridges from one decomposition, on the kernel or on random features."""

__all__ = ["Fit", "draw_features", "fit_kernel", "fit_random_features", "rows_root"]

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from rfgen.numerics.compilation.record import record
from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, eigh, namespace, product, shifted
from rfgen.simulation.fits.ridge_path import gentle, solutions
from rfgen.simulation.random_numbers import standard_normals
from rfgen.simulation.sampling.samplers import Sample


@record
class Fit:
    """Fits to several label columns: `weights` (ridges, columns, modes) in eigen-coordinates, `residuals`
    (ridges, columns, n) = labels - fit on the training rows, `gram` (ridges, columns, columns): inner products of the
    trained weights (the features' own, where there are features), `tail_error` (ridges, columns, columns): covariance of
    the predictions on unresolved modes.
    """

    weights: Float[Array, "ridges columns modes"]
    residuals: Float[Array, "ridges columns n"]
    gram: Float[Array, "ridges columns columns"]
    tail_error: Float[Array, "ridges columns columns"]


def _ridge_path(
    design: Array, labels: Array, ridges: Array, kernel: Array | None = None, points: int = 0, gram: Array | None = None
) -> tuple[Array, Array]:
    """Weights (ridges, columns, p) and residuals (ridges, columns, n) of `design` (n, p), from the smaller side.

    Of a `kernel` (n, n) of rows among so many `points`, which has no design: dual weights (ridges, columns, n).  `gram`
    (n, n): products of the rows, if they are there.
    """
    (n, p), xp = design.shape, namespace(design)
    dual = kernel is not None or n <= p
    own = gram if kernel is None and dual else kernel
    matrix = own if own is not None else design @ design.T if dual else design.T @ design
    columns = labels if dual else design.T @ labels
    if xp is np and gentle(matrix, ridges):
        inner = solutions(matrix, columns, ridges)
        count, width, size = inner.shape
        flat = inner.reshape(count * width, size)
        residuals = ridges[:, None, None] * inner if dual else None
    else:
        values, vectors = eigh(matrix)
        response = vectors.T @ columns
        # directions below rounding are not fitted: the minimum-norm solution at ridge 0
        rounding = max(n, p, points) * xp.finfo(design.dtype).eps * values[-1]
        shifted = values + ridges[:, None]
        # beyond a negative ridge of the smallest eigenvalue there is no minimum
        none = xp.where(ridges[:, None] < 0, xp.nan, xp.ones_like(shifted))
        inverse = xp.where(shifted > 0, 1.0 / xp.where(shifted > 0, shifted, 1.0), none)
        gains = xp.where(values > rounding, inverse, 0.0)
        inner = response.T * gains[:, None]
        count, width, size = inner.shape
        flat, residuals = inner.reshape(count * width, size) @ vectors.T, None
        if dual:
            # labels - K (K + ridge)^-1 labels, without the cancellation; unfitted directions keep their whole residual
            remain = xp.where(values > rounding, ridges[:, None] * gains, 1.0)
            residuals = response.T * remain[:, None]
            residuals = (residuals.reshape(count * width, size) @ vectors.T).reshape(count, width, n)
    if residuals is None:
        residuals = labels.T[None] - (flat @ design.T).reshape(count, width, n)
    weights = flat @ design if dual and kernel is None else flat
    return weights.reshape(count, width, weights.shape[1]), residuals


def fit_kernel(sample: Sample, labels: Array, ridges: Array) -> Fit:
    """Kernel ridge regression; the unresolved tail adds its trace to the ridge, in law up to its squared eigenvalues."""
    total, xp = ridges + sample.tail, namespace(sample.rows)
    if sample.kernel is not None:
        weights, residuals = _ridge_path(sample.rows, labels, total, sample.kernel, sample.probe.shape[1])
        gram = product(weights, sample.kernel) @ xp.swapaxes(weights, 1, 2)
        return Fit(weights, residuals, gram, xp.zeros_like(gram))
    weights, residuals = _ridge_path(sample.rows, labels, total, gram=sample.gram)
    shrink = xp.where(total != 0, ridges / xp.where(total != 0, total, 1.0), 1.0)
    gram = _products(weights)
    # the tail's weights are X_tail' dual, dual = residual / (ridge + tail)
    dual = residuals / xp.where(total != 0, total, 1.0)[:, None, None]
    gram = gram + sample.tail * _products(dual)
    return Fit(weights, residuals * shrink[:, None, None], gram, xp.zeros_like(gram))


def _products(weights: Array) -> Array:
    """Inner products (ridges, columns, columns) of (ridges, columns, size)."""
    return weights @ namespace(weights).swapaxes(weights, 1, 2)


def draw_features(key: Any, sample: Sample, features: int, rank: int) -> tuple[Array, Callable[[Array], Array]]:
    """Gaussian random features `Z = X G / sqrt(features)` (n, features), and the map of trained weights to those of modes.

    The map takes (features, rank) to (modes, rank), orthonormal columns where n < modes.  There the features are drawn
    given the rows: Z has Gaussian columns with covariance X X', and the weights G a / sqrt(features) that a fit a needs are
    drawn given Z, exact in law (Matheron's rule) at the cost of n^2 instead of modes x features numbers.
    """
    rows, dtype, xp = sample.rows, sample.rows.dtype, namespace(sample.rows)
    n, modes = rows.shape
    scale = 1.0 / xp.sqrt(xp.asarray(features, dtype))
    if n >= modes:
        mixing, white = standard_normals(key, dtype, (modes, features), (n, features))
        mixing = mixing * scale
        return rows @ mixing + xp.sqrt(sample.tail) * scale * white, lambda trained: mixing @ trained
    white, prior, prior_tail = standard_normals(key, dtype, (n, features), (modes, rank), (n, rank))
    factor, diagonal = rows_root(sample) if sample.root is None else sample.root, _diagonal(sample)
    design = factor @ (white * scale)

    def lift(basis: Array) -> Array:
        surprise = design @ basis - (rows @ prior + prior_tail * xp.sqrt(diagonal)) * scale
        return prior * scale + rows.T @ cholesky_solve(factor, surprise)

    return design, lift


def _diagonal(sample: Sample) -> Array:
    """What features add to the rows' Gram matrix: the unresolved tail, and enough to keep a rank-deficient factor real."""
    xp = namespace(sample.rows)
    return sample.tail + 4 * xp.finfo(sample.rows.dtype).eps * xp.sum(sample.rows * sample.rows)


def rows_root(sample: Sample) -> Array:
    """Cholesky factor (n, n) of the rows' Gram matrix, for features that are drawn given the rows."""
    return cholesky(shifted(sample.rows @ sample.rows.T, _diagonal(sample)))


def fit_random_features(key: Any, sample: Sample, labels: Array, ridges: Array, features: int) -> Fit:
    """Ridge regression on `features` Gaussian random features `Z = X G / sqrt(features)`."""
    n, modes = sample.rows.shape
    rank = min(features, ridges.size * labels.shape[1])  # of all fitted feature weights together
    design, lift = draw_features(key, sample, features, rank)
    trained, residuals = _ridge_path(design, labels, ridges)
    count, columns, _ = trained.shape
    flat = trained.reshape(count * columns, features)
    if n < modes:
        basis, mix = namespace(flat).linalg.qr(flat.T)
        weights = (lift(basis) @ mix).T
    else:
        weights = lift(flat.T).T
    gram = _products(trained)
    return Fit(weights.reshape(count, columns, modes), residuals, gram, sample.tail / features * gram)
